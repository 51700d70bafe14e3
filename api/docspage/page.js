"use strict";

// Shows /openapi.json. Everything is put in as text, never as HTML.

function el(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
  e.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return e;
}

function nameOf(ref) { return ref.split("/").pop(); }

// typeOf says in a few words what a value must be, with links to the schemas it refers to.
function typeOf(schema) {
  if (!schema) return [""];
  if (schema.$ref) return [el("a", { href: "#schema-" + nameOf(schema.$ref) }, nameOf(schema.$ref))];
  const type = [].concat(schema.type || "any");
  if (type.includes("array")) return ["list of ", ...typeOf(schema.items)];
  const words = [type.filter((t) => t !== "null").join(" or ")];
  if (schema.format) words.push(schema.format);
  if (schema.enum) words.push("one of " + schema.enum.join(", "));
  if (schema.minimum !== undefined) words.push("≥ " + schema.minimum);
  if (schema.maximum !== undefined) words.push("≤ " + schema.maximum);
  if (schema.minLength !== undefined) words.push("at least " + schema.minLength + " characters");
  if (schema.maxLength !== undefined) words.push("at most " + schema.maxLength + " characters");
  if (schema.default !== undefined) words.push("default " + JSON.stringify(schema.default));
  return [words.join(", ")];
}

function rows(entries) {
  return el("table", {}, ...entries.map((e) => el("tr", {},
    el("td", {}, el("code", {}, e.name), e.required ? "" : el("span", { class: "soft" }, " optional")),
    el("td", {}, ...typeOf(e.schema)),
    el("td", {}, e.doc || ""))));
}

function properties(schema) {
  const required = schema.required || [];
  return rows(Object.entries(schema.properties || {}).map(([name, s]) => ({
    name, schema: s, doc: s.description, required: required.includes(name),
  })));
}

function bodyOf(content) {
  const media = Object.values(content || {})[0];
  return media && media.schema ? el("p", {}, ...typeOf(media.schema)) : null;
}

function operation(path, method, op) {
  const s = el("section", { id: op.operationId },
    el("h3", {}, el("span", { class: "method" }, method.toUpperCase()), el("code", {}, path)),
    el("p", {}, op.summary || ""), el("p", { class: "soft" }, op.description || ""));
  if (op.parameters) {
    s.append(el("h4", {}, "Parameters"), rows(op.parameters.map((p) => ({
      name: p.name, schema: p.schema, required: p.required, doc: p.in + (p.description ? ": " + p.description : ""),
    }))));
  }
  if (op.requestBody) s.append(el("h4", {}, "Body"), bodyOf(op.requestBody.content) || "");
  s.append(el("h4", {}, "Answers"), el("table", {}, ...Object.entries(op.responses).map(([status, r]) => el("tr", {},
    el("td", {}, el("code", {}, status)), el("td", {}, r.description || ""), el("td", {}, bodyOf(r.content) || "")))));
  return s;
}

function show(api) {
  const nav = document.getElementById("nav"), main = document.getElementById("main"), groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      const tag = op.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([path, method, op]);
    }
  }
  main.append(el("h1", {}, api.info.title + " API"), el("p", {}, api.info.description),
    el("p", {}, "Send a key with every request: ", el("code", {}, "Authorization: Bearer tk_…"), ". The same description for programs: ",
      el("a", { href: "/openapi.json" }, "/openapi.json"), "."));
  const sorted = [...groups].sort(([a], [b]) => (a.startsWith("admin") - b.startsWith("admin")) || a.localeCompare(b));
  for (const [tag, operations] of sorted) {
    nav.append(el("h2", {}, tag));
    main.append(el("h2", {}, tag));
    for (const [path, method, op] of operations) {
      nav.append(el("a", { href: "#" + op.operationId }, op.summary));
      main.append(operation(path, method, op));
    }
  }
  nav.append(el("h2", {}, "reference"), el("a", { href: "#codes" }, "Codes of problems"), el("a", { href: "#schemas" }, "Schemas"));
  main.append(el("h2", { id: "codes" }, "Codes of problems"), el("table", {},
    el("tr", {}, ...["code", "status", "retryable", "meaning"].map((h) => el("th", {}, h))),
    ...api["x-codes"].map((c) => el("tr", { id: c.code }, el("td", {}, el("code", {}, c.code)), el("td", {}, String(c.status)),
      el("td", {}, c.retryable ? "yes" : "no"), el("td", {}, c.meaning)))));
  main.append(el("h2", { id: "schemas" }, "Schemas"));
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    main.append(el("section", { id: "schema-" + name }, el("h3", {}, name), properties(schema)));
  }
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) target.scrollIntoView();
}

fetch("/openapi.json").then((r) => r.json()).then(show).catch((err) => {
  document.getElementById("main").append(el("p", {}, "The description can't be read: " + err));
});
