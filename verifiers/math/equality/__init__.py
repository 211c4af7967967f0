"""When two trees say the same: lists, sets, relations, matrices, families; values at the leaves."""
