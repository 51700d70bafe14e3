package rules

import "github.com/tearoff/tearoff/models"

// FreeShipping takes the deliveries' cost off. Its scope says which goods must be in the cart; when it names merchants,
// only their deliveries become free.
type FreeShipping struct {
	Cap int64 `json:"cap,omitempty" minimum:"0" maximum:"1000000000000" doc:"The most it takes off, in minor units of the batch's currency. 0: no cap."`
}

func (s *FreeShipping) check(f *faults) {
	f.within("free_shipping.cap", s.Cap, 0, models.MaxAmount)
}

func (s *FreeShipping) needsCurrency() bool { return s.Cap > 0 }

func (*FreeShipping) refuse(*view) *refusal { return nil }

func (s *FreeShipping) off(v *view) discount {
	left, _ := v.sum()
	return discount{total: left}.capped(s.Cap)
}
