package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
)

// Rows is the baseline with one transaction for each request, as a server.
type Rows struct {
	Addr  string // where it listens
	DSN   string // the database with its tables
	Batch string // whose coupons it gives
	Slots int    // rows of the batch's counter
}

// ServeRows serves until ctx ends.
func ServeRows(ctx context.Context, r Rows) error {
	db, err := openPool(r.DSN)
	if err != nil {
		return err
	}
	defer db.Close()
	handler := rowsHandler(&rows{slots: r.Slots, batch: r.Batch, db: db}) //nolint:contextcheck // each request brings its own
	return serve(ctx, r.Addr, handler)
}

// rowsHandler takes the same requests as Tearoff. The caller's key is the coupon's id, so that no coupon is given twice.
func rowsHandler(r *rows) http.Handler {
	e := engine()
	take := func(act func(ctx context.Context, coupon, user string) error) gin.HandlerFunc {
		return func(c *gin.Context) {
			var body struct {
				User struct {
					ID string `json:"id" binding:"required"`
				} `json:"user"`
			}
			if err := c.ShouldBindJSON(&body); err != nil {
				c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
				return
			}
			coupon := c.GetHeader("Idempotency-Key")
			respond(c, http.StatusCreated, coupon, act(c.Request.Context(), coupon, body.User.ID))
		}
	}
	e.POST("/v1/claims", take(r.issue))
	e.POST("/v1/holds", take(r.reserve))
	e.POST("/v1/holds/:id/confirm", func(c *gin.Context) {
		respond(c, http.StatusOK, c.Param("id"), r.use(c.Request.Context(), c.Param("id")))
	})
	return e
}

func respond(c *gin.Context, status int, coupon string, err error) {
	switch {
	case errors.Is(err, errGone):
		c.JSON(http.StatusConflict, gin.H{"code": "sold_out"})
	case err != nil:
		c.JSON(http.StatusInternalServerError, gin.H{"error": err.Error()})
	default:
		c.JSON(status, gin.H{"id": coupon})
	}
}

// served is the design with a batch of its own, as a process of its own like the API, that is asked over HTTP.
func (r rows) served(ctx context.Context, e *env, ask func(batchID string) func(c *conn, n int64) error) (*job, error) {
	if err := r.prepare(ctx, e, plenty); err != nil {
		return nil, err
	}
	_, addr, err := e.startTearoff(ctx, "bench-rows", "--dsn", e.dsn, "--batch", r.batch, "--slots", strconv.Itoa(r.slots))
	if err != nil {
		return nil, fmt.Errorf("bench: the server with one transaction for each request: %w", err)
	}
	j := overHTTP(r.name, endpoint{addr: addr, secret: e.server.secret}, ask(r.batch))
	j.check = r.check
	return j, nil
}
