//! The map as a picture: calls on the left, mechanisms in the middle, events on the right, as published research draws it.
//! Every mechanism is one block; an arrow never crosses another, because a call stands once per event it leads to. The
//! pictures show what the tables hold; they know nothing of layout engines, fonts or browsers' scripts beyond their own.

mod dot;
mod html;
mod plan;
mod svg;

pub use dot::dot;
pub use html::html;
pub use plan::{EventGroup, MapPlan, MechanismBlock, Section};
pub use svg::svg;
