//! Many commands at once on one repository: what was there before is accounted for afterwards.
