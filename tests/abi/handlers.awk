# SPDX-License-Identifier: MIT
# Is there code for each sub-operation that the lists call implemented, and none
# for the others? Reads `hypercalls list`, then the hypervisor's sources. Counts as
# code: `case NAME`, `== NAME`, `<< NAME`, and entries of tables, [NAME] = ... or
# by a macro that makes such entries. (domctl and sysctl have their tables from the
# lists; there the linker sees what is missing.)

/^@subop / {
	if ($2 != "domctl" && $2 != "sysctl")
		status[$3] = $4 " " $5
	next
}

FNR == 1 {
	split("", prefix)
	macro = ""
}

# #define OP(op, ...) [PREFIX_##op] = {..., also with a line break before the [
/^#define [A-Z_]+\(/ {
	macro = $2
	sub(/\(.*/, "", macro)
}
macro != "" && match($0, /\[[A-Z]+_##/) {
	prefix[macro] = /NULL/ ? "-" : substr($0, RSTART + 1, RLENGTH - 3)
	macro = ""
	next
}
!/\\$/ { macro = "" }

/^\t[A-Z_]+\([A-Za-z0-9_]+[,)]/ && !/, NULL/ {
	name = $1
	sub(/\(.*/, "", name)
	op = $0
	sub(/^[^(]*\(/, "", op)
	sub(/[,)].*/, "", op)
	if (name in prefix && prefix[name] != "-")
		code[prefix[name] op] = 1
}

!/NULL/ {
	rest = $0
	while (match(rest, /(case |== |<< |\[)[A-Z]+_[A-Za-z0-9_]+/)) {
		name = substr(rest, RSTART, RLENGTH)
		sub(/^(case |== |<< |\[)/, "", name)
		code[name] = 1
		rest = substr(rest, RSTART + RLENGTH)
	}
}

END {
	for (name in status) {
		if (status[name] == "not implemented" && name in code)
			problem = name " is listed as not implemented, but there is code for it"
		else if (status[name] != "not implemented" && !(name in code))
			problem = name " is listed, but there is no code for it"
		else
			continue
		print "test-abi: " problem
		bad = 1
	}
	exit bad
}
