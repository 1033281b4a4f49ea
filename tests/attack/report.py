def write_attacks(*a): pass
