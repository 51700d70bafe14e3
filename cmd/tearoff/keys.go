package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make a key and print its secret, which is not kept."`
}

type keysCreateCmd struct {
	storeFlags
	Name     string `help:"What the key is for." required:""`
	Role     string `help:"admin, server, storefront or support." enum:"admin,server,storefront,support" required:""`
	Merchant string `help:"The one merchant it is for; none is all of them."`
	Caller   string `help:"Scope of idempotency keys and order ids; the name by default. Keys of one service share it."`
}

// Run implements kong's command.
func (c *keysCreateCmd) Run(ctx context.Context, log *slog.Logger) error {
	return withStore(c.storeFlags, log, func(s *store.Store) error {
		_, secret, err := s.CreateKey(ctx, models.APIKey{
			Name: c.Name, Role: models.Role(c.Role), MerchantID: c.Merchant, Caller: models.KeyCaller(c.Merchant, c.Caller, c.Name),
		})
		if err == nil {
			fmt.Println(secret)
		}
		return err
	})
}
