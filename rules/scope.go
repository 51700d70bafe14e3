package rules

// Bounds of the names in a rule, so that judging one stays bounded.
const (
	MaxSelectorIDs = 1000 // ids in one list
	MaxIDLength    = 100  // bytes of one id, tag or group
)

// Scope says which lines of a cart a coupon discounts: those that Include names, or all when it names nothing, without
// those that Exclude names. Lines that aren't discountable, and for a merchant's coupon those of other merchants, are never
// in a scope. The zero value is storewide.
type Scope struct {
	Include Selector `json:"include,omitzero" doc:"Default: every line."`
	Exclude Selector `json:"exclude,omitzero" doc:"Wins over include. Default: none."`
}

// Selector names lines by what they are. A line is named when any of the lists has it. Ids and tags are compared byte by
// byte. The zero value names nothing; a list that is there has at least one entry.
type Selector struct {
	ProductIDs  []string `json:"product_ids,omitempty" minItems:"1" maxItems:"1000" nullable:"false"`
	CategoryIDs []string `json:"category_ids,omitempty" minItems:"1" maxItems:"1000" nullable:"false"`
	MerchantIDs []string `json:"merchant_ids,omitempty" minItems:"1" maxItems:"1000" nullable:"false"`
	Tags        []string `json:"tags,omitempty" minItems:"1" maxItems:"1000" nullable:"false"`
}

func (s Scope) check(path string, f *faults) {
	s.Include.check(path+".include.", f)
	s.Exclude.check(path+".exclude.", f)
}

func (s Selector) check(path string, f *faults) {
	f.ids(path+"product_ids", s.ProductIDs)
	f.ids(path+"category_ids", s.CategoryIDs)
	f.ids(path+"merchant_ids", s.MerchantIDs)
	f.ids(path+"tags", s.Tags)
}

func (s Selector) empty() bool {
	return len(s.ProductIDs)+len(s.CategoryIDs)+len(s.MerchantIDs)+len(s.Tags) == 0
}
