module gracekeeper.dev/attack

go 1.22
