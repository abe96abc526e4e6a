"""Who lacks a service and what stops them (`pockets`, `paths`), and which link would help most (`links`)."""
