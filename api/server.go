package api

import (
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/gin-gonic/gin"
	"github.com/maypok86/otter/v2"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify/letter"
	"github.com/tearoff/tearoff/store"
)

// Routes says which routes a handler serves, so that the admin ones can have a listener of their own.
type Routes int

// The sets of routes. Liveness, readiness and the documentation are in each; metrics are not in PublicRoutes.
const (
	AllRoutes Routes = iota
	PublicRoutes
	AdminRoutes
)

const adminPrefix = "/v1/admin/"

func (r Routes) has(path string) bool {
	switch r {
	case PublicRoutes:
		return !strings.HasPrefix(path, adminPrefix)
	case AdminRoutes:
		return strings.HasPrefix(path, adminPrefix)
	default:
		return true
	}
}

// Server answers Tearoff's HTTP requests. It keeps nothing but short-lived caches, so any number of them may run.
type Server struct {
	cfg     Config
	store   *store.Store
	metrics *metrics
	guard   *guard
	keys    *memo[[32]byte, models.APIKey]
	owners  *memo[string, string]          // merchant of each batch
	rules   *memo[ruleVersion, publicRule] // what a batch's coupons are worth
	wallets *otter.Cache[walletKey, keptWallet]
	press   letter.Press

	inFlight, adminInFlight atomic.Int64 // requests that are being served
}

// New makes a server. It fails when something required is missing, or when the registry has these metrics already.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, err
	}
	return &Server{
		cfg: cfg, store: cfg.Store, metrics: m, guard: newGuard(cfg.Store),
		keys:    newMemo[[32]byte, models.APIKey](keyFresh),
		owners:  newMemo[string, string](forGood),
		rules:   newMemo[ruleVersion, publicRule](forGood),
		wallets: newWallets(),
	}, nil
}

// Handler serves a set of routes.
func (s *Server) Handler(routes Routes) http.Handler {
	if gin.Mode() == gin.DebugMode {
		gin.SetMode(gin.ReleaseMode) // the debug mode writes to standard output
	}
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.UseRawPath = true // a caller's user id may hold an escaped slash
	e.ContextWithFallback = false
	_ = e.SetTrustedProxies(s.cfg.TrustedProxies) // whose form was checked
	e.Use(s.observe, s.recovered, secured, s.admitted, s.bounded(s.streamed()))
	e.NoRoute(func(c *gin.Context) {
		s.refuse(c, models.NewError(models.CodeNotFound, "there is no such path"))
	})
	e.NoMethod(func(c *gin.Context) {
		s.refuse(c, models.NewError(models.CodeMethodNotAllowed, "the path does not have this method").With("method", c.Request.Method))
	})
	e.GET("/healthz", alive)
	e.GET("/readyz", s.ready)
	if routes != PublicRoutes {
		e.GET("/metrics", gin.WrapH(s.metrics.handler))
	}
	s.document(e, s.register(e, routes))
	return e
}
