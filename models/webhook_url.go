package models

import (
	"net/netip"
	"net/url"
	"strings"
)

// CheckWebhookURL says what is wrong with the address of an endpoint, "" for nothing. It judges the text alone, to help
// whoever types it: where a name leads is judged with every connection. With private, http is allowed, and addresses of
// one's own network.
func CheckWebhookURL(raw string, private bool) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "is not a URL with a host"
	case u.Scheme != "https" && (u.Scheme != "http" || !private):
		return "must begin with https://"
	case u.User != nil:
		return "must not hold a user or password: what is sent is signed instead"
	case u.Fragment != "":
		return "must not hold a #fragment"
	case !private && isPrivateHost(u.Hostname()):
		return "must not be an address of Tearoff's own network"
	}
	return ""
}

func isPrivateHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (!addr.IsGlobalUnicast() || addr.IsPrivate())
}
