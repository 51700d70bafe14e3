package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"go.temporal.io/sdk/client"
)

// probeWithin bounds each question of a readiness probe.
const probeWithin = time.Second

// readiness says which parts answer.
type readiness struct {
	Ready    bool   `json:"ready"`
	Store    string `json:"store"`
	Temporal string `json:"temporal"` // for information: claims, wallets, quotes and holds work without
}

func alive(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"alive": true}) }

// ready says 200 when requests can be served, and 503 when the store is out of reach.
func (s *Server) ready(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), probeWithin)
	defer cancel()
	temporal := make(chan string, 1)
	go func() {
		_, err := s.cfg.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		temporal <- reached(err)
	}()
	r := readiness{Store: reached(s.store.Ping(ctx))}
	r.Temporal = <-temporal // the probe's time bounds it
	r.Ready = r.Store == reached(nil)
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
	}
	c.JSON(status, r)
}

func reached(err error) string {
	if err != nil {
		return "unreachable"
	}
	return "reachable"
}
