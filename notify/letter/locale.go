package letter

import (
	"time"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/ar"
	"github.com/go-playground/locales/cs"
	"github.com/go-playground/locales/da"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/el"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/en_GB"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/fi"
	"github.com/go-playground/locales/fr"
	"github.com/go-playground/locales/he"
	"github.com/go-playground/locales/hu"
	"github.com/go-playground/locales/id"
	"github.com/go-playground/locales/it"
	"github.com/go-playground/locales/ja"
	"github.com/go-playground/locales/ko"
	"github.com/go-playground/locales/nb"
	"github.com/go-playground/locales/nl"
	"github.com/go-playground/locales/pl"
	"github.com/go-playground/locales/pt"
	"github.com/go-playground/locales/ro"
	"github.com/go-playground/locales/ru"
	"github.com/go-playground/locales/sv"
	"github.com/go-playground/locales/th"
	"github.com/go-playground/locales/tr"
	"github.com/go-playground/locales/uk"
	"github.com/go-playground/locales/vi"
	"github.com/go-playground/locales/zh"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"github.com/tearoff/tearoff/models"
)

// nearest is the language of the template's texts that is nearest to the user's: de-AT, then de, then the template's own.
func nearest(t *models.Template, locale string) string {
	for tag, err := language.Parse(locale); err == nil && tag != language.Und; tag = tag.Parent() {
		if _, there := t.Texts[tag.String()]; there {
			return tag.String()
		}
	}
	return t.Locale
}

// calendars write dates in the languages there are. Others get 2006-01-02, which everybody can read.
var calendars = func() map[string]locales.Translator {
	m := map[string]locales.Translator{"en-GB": en_GB.New(), "no": nb.New()}
	for _, l := range []locales.Translator{
		ar.New(), cs.New(), da.New(), de.New(), el.New(), en.New(), es.New(), fi.New(), fr.New(), he.New(), hu.New(), id.New(), it.New(), ja.New(),
		ko.New(), nb.New(), nl.New(), pl.New(), pt.New(), ro.New(), ru.New(), sv.New(), th.New(), tr.New(), uk.New(), vi.New(), zh.New(),
	} {
		m[l.Locale()] = l
	}
	return m
}()

// date writes a day: 30 November 2026.
func date(locale string, day time.Time) string {
	for tag, err := language.Parse(locale); err == nil && tag != language.Und; tag = tag.Parent() {
		if tag.String() == "en-001" { // the parent of all English but America's
			return calendars["en-GB"].FmtDateLong(day)
		}
		if c := calendars[tag.String()]; c != nil {
			return c.FmtDateLong(day)
		}
	}
	return day.Format(time.DateOnly)
}

// symbolFirst are the languages that write $5 and not 5 $.
var symbolFirst = map[string]bool{"en": true, "he": true, "hi": true, "id": true, "ja": true, "ko": true, "ms": true, "nl": true, "th": true, "tr": true, "zh": true}

// money writes an amount of minor units. The float is for show alone: up to models.MaxAmount it holds every digit.
func money(locale string, amount int64, of models.Currency) string {
	tag := language.Make(locale)
	p := message.NewPrinter(tag)
	unit, err := currency.ParseISO(string(of))
	if err != nil {
		return p.Sprint(number.Decimal(amount)) + "\u00a0" + string(of)
	}
	scale, _ := currency.Standard.Rounding(unit)
	value := float64(amount)
	for range scale {
		value /= 10
	}
	digits := p.Sprint(number.Decimal(value, number.Scale(scale)))
	symbol := p.Sprint(currency.Symbol(unit))
	base, _ := tag.Base()
	switch {
	case !symbolFirst[base.String()]:
		return digits + "\u00a0" + symbol
	case len([]rune(symbol)) > 1:
		return symbol + "\u00a0" + digits
	default:
		return symbol + digits
	}
}
