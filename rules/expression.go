package rules

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"github.com/maypok86/otter/v2"
)

// Bounds of an expression. A unit of cost is about the work of one comparison, 50 to 200 ns, so the dearest expression
// on the largest cart takes some 100 ms. One pass over all tags of all lines (500 × 50) with a plain comparison costs
// 150,000 units and may ask a few things of each tag; every line against every line (500 × 500) costs 750,000 and up.
const (
	maxExpressionBytes = 2000
	maxExpressionCost  = 500_000
	maxRegexpSteps     = 100 // instructions of a compiled regular expression
	maxPasses          = 10  // all(), exists(), filter() and map() of one expression
	maxDepth           = 50  // of what is written in brackets
	keptExpressions    = 1000
	maxOccasionCost    = 2_000_000 // of all expressions of one quote: once it is spent no more are judged
	maxFaultBytes      = 200
)

// Prices, in units, of what CEL takes for cheap and isn't.
const (
	zoneCost   = 500 // a named zone is read from a file at each call
	regexpCost = 4   // per character: each may be tried against every instruction
)

// expression is a merchant's condition in CEL. It is safe for concurrent use.
type expression struct{ program cel.Program }

// expressions keeps what was compiled, because compiling one takes a quarter of a millisecond.
var expressions = otter.Must(&otter.Options[string, *expression]{MaximumSize: keptExpressions})

// newExpression compiles a condition. Its error is one line, without the path of the field, for the merchant to read.
func newExpression(source string) (*expression, error) {
	if len(source) > maxExpressionBytes {
		return nil, fmt.Errorf("must be at most %d bytes", maxExpressionBytes)
	}
	if e, ok := expressions.GetIfPresent(source); ok {
		return e, nil
	}
	program, err := compile(source, maxExpressionCost)
	if err != nil {
		return nil, err
	}
	e := &expression{program}
	expressions.Set(source, e)
	return e, nil
}

func compile(source string, limit uint64) (cel.Program, error) {
	env, err := expressionEnv()
	if err != nil {
		return nil, err
	}
	parsed, issues := env.Parse(source)
	if issues.Err() != nil {
		return nil, fault(issues.Errors()[0])
	}
	// CEL's type check takes seconds for a hundred nested map().
	if loops := ast.MatchDescendants(ast.NavigateAST(parsed.NativeRep()), ast.KindMatcher(ast.ComprehensionKind)); len(loops) > maxPasses {
		return nil, fmt.Errorf("must have at most %d of all(), exists(), filter() and map()", maxPasses)
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, fault(issues.Errors()[0])
	}
	if checked.OutputType() != cel.BoolType {
		return nil, errors.New("must be true or false")
	}
	estimate, err := env.EstimateCost(checked, sizes{checked.NativeRep()})
	if err != nil {
		return nil, fmt.Errorf("rules: estimate the cost of an expression: %w", err)
	}
	if estimate.Max > maxExpressionCost {
		return nil, errors.New("takes too long on a large cart: " +
			"compare each line with a few values, not with the other lines")
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(limit))
	if err != nil { // a constant part that has no value
		return nil, errors.New(oneLine(err.Error()))
	}
	return program, nil
}

// fault is the first thing that is wrong, with its place if it has one.
func fault(e *cel.Error) error {
	if e.Location.Line() < 1 {
		return errors.New(oneLine(e.Message))
	}
	return fmt.Errorf("%d:%d: %s", e.Location.Line(), max(e.Location.Column(), 0)+1, oneLine(e.Message))
}

// oneLine shortens what CEL says: its parser lists all tokens it knows and repeats the source.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	text, _, _ = strings.Cut(text, " expecting {")
	if len(text) > maxFaultBytes {
		cut := maxFaultBytes
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return text
}

// met reports whether the condition holds. It fails when it can't be judged: a division by zero, a missing attribute,
// a cart beyond its bounds. The error may quote the cart: it is for the log.
func (e *expression) met(in *occasion) (bool, error) {
	return in.judge(e)
}

func (e *expression) eval(in *occasion) (met bool, cost uint64, err error) {
	out, details, err := e.program.Eval(in)
	if details != nil && details.ActualCost() != nil {
		cost = *details.ActualCost()
	}
	if err != nil {
		return false, cost, fmt.Errorf("rules: judge an expression: %w", err)
	}
	return out == types.True, cost, nil
}

// expressionEnv is the language: CEL's standard library and what a condition may ask for. The extensions stay out: one
// call of format can fill the memory, and math.greatest isn't priced by the length of its list.
var expressionEnv = sync.OnceValues(newExpressionEnv)

func newExpressionEnv() (*cel.Env, error) {
	env, err := cel.NewEnv(
		ext.NativeTypes(ext.ParseStructTags(true),
			cel.NativeTypeFor[cartFacts](cel.NativeTypeAlias("cart")),
			cel.NativeTypeFor[lineFacts](cel.NativeTypeAlias("line")),
			cel.NativeTypeFor[userFacts](cel.NativeTypeAlias("user"))),
		cel.Variable("cart", cel.ObjectType("cart")),
		cel.Variable("lines", cel.ListType(cel.ObjectType("line"))),
		cel.Variable("user", cel.ObjectType("user")),
		cel.Variable("now", cel.TimestampType),
		cel.ParserRecursionLimit(maxDepth),
		cel.RegexProgramSizeLimit(maxRegexpSteps),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals(),
			bounded{}),
		cel.CostModel(prices()...),
	)
	if err != nil {
		return nil, err
	}
	// The first unknown name makes the checker write down the names that it knows, while another check may be reading them. So
	// one is refused here, before there are others.
	if _, issues := env.Compile("unknown"); issues.Err() == nil {
		return nil, errors.New("rules: a name that is not declared is taken")
	}
	return env, nil
}
