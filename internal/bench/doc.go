// Package bench measures Tearoff as a caller meets it: the real binary, over HTTP, on a MySQL that flushes every commit.
// Each scenario runs beside simpler designs, its baselines, in the same run on the same servers, since machines differ and
// ratios don't. It is no part of the product: only the command `tearoff bench` uses it.
//
// The load is a closed loop: each worker sends its next request when the last one is answered. While the server stalls
// nothing is sent, so a stall counts once for each worker and not for all requests that would have come meanwhile
// (coordinated omission): the rate is the server's own, and the latencies are those at that many callers.
package bench
