"""Charts and pages: self-contained HTML that opens offline."""
