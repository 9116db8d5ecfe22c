//! Calls whose first argument is a unit of time and no expression: `timestampdiff(HOUR, a, b)`, `dateadd(DAY, 1, t)`.

use datafusion::sql::sqlparser::ast::{Expr, FunctionArguments};

use super::call;
use super::error::SqlError;
use super::resolve::Resolver;
use super::scope::Scope;

impl Resolver<'_> {
    /// The call with its unit as text; `None` where it is no such call.
    pub fn unit_call(
        &mut self,
        name: &str,
        args: &FunctionArguments,
        scope: &Scope<'_>,
    ) -> Result<Option<Expr>, SqlError> {
        let engine = match name {
            "timestampdiff" | "timediff" | "datediff" | "date_diff" => "units_between",
            "timestampadd" | "dateadd" | "date_add" => "units_later",
            _ => return Ok(None),
        };
        let Some(args) = call::plain_args(args) else {
            return Ok(None);
        };
        let [Expr::Identifier(unit), a, b] = args.as_slice() else {
            return Ok(None);
        };
        let (unit, a, b) = (call::text(&unit.value), a.clone(), b.clone());
        let (a, b) = (self.expr(a, scope)?, self.expr(b, scope)?);
        Ok(Some(call::function(engine, vec![unit, a, b])))
    }
}
