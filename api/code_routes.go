package api

import "net/http"

// codeRoutes are those of codes that Tearoff makes, and of codes by the thousand.
func (s *Server) codeRoutes() []route {
	const accepted, ok = http.StatusAccepted, http.StatusOK
	return []route{
		on(s, spec{Route: "POST /v1/admin/batches/{id}/codes/generate", Name: "generate-codes", Roles: admins, Status: accepted,
			Summary: "Make many codes in the background; single ones take their stock at once"}, s.generateCodes),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/codes/release", Name: "release-codes", Roles: admins, Status: ok,
			Summary: "Give up unused single codes and the stock that is kept for them"}, s.releaseCodes),
		on(s, spec{Route: "GET /v1/admin/batches/{id}/codes.csv", Name: "export-codes", Roles: admins, Gives: csvType,
			Summary: "The codes of a batch as CSV; each export is in the audit log"}, s.exportCodes),
		on(s, spec{Route: "GET /v1/admin/batches/{id}/code-jobs", Name: "list-code-jobs", Roles: adminRead,
			Summary: "The code jobs of a batch"}, s.listCodeJobs),
		on(s, spec{Route: "GET /v1/admin/code-jobs/{id}", Name: "get-code-job", Roles: adminRead, Summary: "How far a code job is"}, s.getCodeJob),
		on(s, spec{Route: "POST /v1/admin/code-jobs/{id}/cancel", Name: "cancel-code-job", Roles: admins, Status: ok,
			Summary: "Make no more codes; those made stay"}, s.cancelCodeJob),
	}
}
