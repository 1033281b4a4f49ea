namespace gracekeeper {}
