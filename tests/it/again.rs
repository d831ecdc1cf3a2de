//! A second migration of the same group takes only those still at the source.
