"""Pages and schemas made from what the database and the event classes say of themselves."""
