package rules

// FundedBy says who bears the discount, in basis points that sum to 10000. The zero value: the platform bears all of it.
type FundedBy struct {
	PlatformBP int64 `json:"platform_bp,omitempty" minimum:"0" maximum:"10000" doc:"The platform's share in basis points."`
	MerchantBP int64 `json:"merchant_bp,omitempty" minimum:"0" maximum:"10000" doc:"The merchant's share in basis points."`
}

func (f FundedBy) check(at *faults) {
	at.within("funded_by.platform_bp", f.PlatformBP, 0, wholeBP)
	at.within("funded_by.merchant_bp", f.MerchantBP, 0, wholeBP)
	if f != (FundedBy{}) && f.PlatformBP+f.MerchantBP != wholeBP {
		at.add("funded_by", "platform_bp and merchant_bp must sum to %d", wholeBP)
	}
}

// platformShare returns what of amount the platform bears, rounded half up; the merchant bears the rest.
func (f FundedBy) platformShare(amount int64) int64 {
	if f == (FundedBy{}) {
		return amount
	}
	return shareOf(amount, f.PlatformBP)
}
