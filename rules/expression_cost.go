package rules

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"

	"github.com/tearoff/tearoff/models"
)

// prices says what costs more, or less, than CEL's own model knows.
func prices() []cost.OverloadModel {
	perCharacter := func(text cost.QuantityExpr) cost.OverloadModelOption {
		return cost.EvalCost(cost.Mul(cost.Sum(text, cost.Const(1)), cost.Const(regexpCost)))
	}
	priced := []cost.OverloadModel{
		cost.Overload(overloads.Matches, perCharacter(cost.Arg(0))),
		cost.MemberOverload(overloads.MatchesString, perCharacter(cost.Target())),
	}
	for _, id := range []string{
		overloads.TimestampToYearWithTz, overloads.TimestampToMonthWithTz, overloads.TimestampToDayOfYearWithTz,
		overloads.TimestampToDayOfMonthZeroBasedWithTz, overloads.TimestampToDayOfMonthOneBasedWithTz,
		overloads.TimestampToDayOfWeekWithTz, overloads.TimestampToHoursWithTz, overloads.TimestampToMinutesWithTz,
		overloads.TimestampToSecondsWithTz, overloads.TimestampToMillisecondsWithTz,
	} {
		priced = append(priced, cost.MemberOverload(id, cost.EvalCost(cost.Const(zoneCost))))
	}
	return priced
}

// What a cart may hold when an expression judges it. The estimate of the cost is right only within these.
const (
	maxListed     = 50 // tags, or categories, of a line
	maxUserTags   = 100
	maxAttributes = 50
	maxText       = 100  // characters of any text of a cart or user, but for
	maxAttribute  = 1000 // those of an attribute
)

// sizes tells CEL's estimate how large things get.
type sizes struct{ ast *ast.AST }

// EstimateSize implements cost.Estimator. What an expression makes has no path. Its lists are left to CEL, which knows
// of what they are made; its texts (of a literal, a number, a time) are shorter than the longest expression.
func (s sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	most := uint64(0)
	switch path := n.Path(); n.Type().Kind() { //nolint:exhaustive // other values have no size
	case types.StringKind, types.BytesKind:
		switch {
		case len(path) == 0:
			most = maxExpressionBytes
		case len(path) > 1 && path[1] == "attributes":
			most = maxAttribute
		default:
			most = maxText
		}
	case types.ListKind, types.MapKind:
		if most = s.field(n.Expr()); len(path) == 1 {
			most = models.MaxCartLines
		}
	}
	if most == 0 {
		return nil
	}
	size := cost.RangedSizeEstimate(0, most)
	return &size
}

// field is how much a field of a cart, line or user holds; 0 when e isn't one.
func (s sizes) field(e ast.Expr) uint64 {
	if e == nil || e.Kind() != ast.SelectKind {
		return 0
	}
	switch s.ast.GetType(e.AsSelect().Operand().ID()).TypeName() {
	case "user":
		return maxUserTags
	case "line":
		return maxListed
	case "cart":
		return maxAttributes
	}
	return 0
}

// EstimateCallCost implements cost.Estimator: the prices are in the model, which counts at run time too.
//
//nolint:gocritic // the interface wants a pointer
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// bounded refuses what CEL allows but doesn't price by the work it makes: comparisons of whole lists and lines, text
// and lists that grow, patterns that aren't known now, and values whose type isn't, which would hide all of these.
type bounded struct{}

// Name implements cel.ASTValidator.
func (bounded) Name() string { return "tearoff.bounded" }

// Validate implements cel.ASTValidator.
func (bounded) Validate(_ *cel.Env, _ cel.ValidatorConfig, a *ast.AST, issues *cel.Issues) {
	ast.PostOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if reason := unbounded(a, e); reason != "" {
			issues.ReportErrorAtID(e.ID(), "%s", reason)
		}
	}))
}

func unbounded(a *ast.AST, e ast.Expr) string {
	switch {
	case e.Kind() == ast.StructKind:
		return "an expression can't build messages"
	case a.GetType(e.ID()).Kind() == types.DynKind:
		return "the type of a value must be known: a list or map holds values of one type"
	case e.Kind() != ast.CallKind:
		return ""
	}
	call := e.AsCall()
	switch args := call.Args(); call.FunctionName() {
	case operators.Equals, operators.NotEquals, operators.In:
		if k := a.GetType(args[0].ID()).Kind(); k == types.ListKind || k == types.MapKind || k == types.StructKind {
			return "lists, maps and lines can't be compared: compare their fields or size()"
		}
	case operators.Add:
		k := a.GetType(e.ID()).Kind()
		made := args[0].Kind() == ast.IdentKind && args[0].AsIdent() == "@result" // by map() and filter()
		if !made && (k == types.StringKind || k == types.BytesKind || k == types.ListKind) {
			return "texts and lists can't be joined"
		}
	case overloads.Matches:
		if args[len(args)-1].Kind() != ast.LiteralKind {
			return "the pattern of matches() must be a literal"
		}
	}
	return ""
}
