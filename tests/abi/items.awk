# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The Pavise authors
#
# Lists the items of our public headers for comparison with Debian's:
#
#	CONSTANT(id, expression)          object-like macros and enumerators
#	STRING(id, expression)            macros that are strings
#	TYPE(id, type)                    typedefs, structures, unions: size
#	FIELD(id, struct, path)           fields: offset, size, kind of number
#	OFFSET(id, struct, path)          flexible arrays: offset
#	GUEST_FIELD(id, struct, path)     fields that the hypervisor doesn't see
#
# Input: the file "ours" (names that have no counterpart, or no value), then
# expressions.h (where function-like macros are tried out), then our headers,
# without comments, each after a line "@header NAME".
#
# It reads the one style in which our headers are written, and stops at any
# line it does not know: so nothing is left out unseen.

function fail(why)
{
	printf "items.awk: %s: %s: %s\n", header, why, line > "/dev/stderr"
	failed = 1
	exit 1
}

function id_of(s)
{
	gsub(/[^A-Za-z0-9_]/, "_", s)
	return s
}

function emit(kind, id, rest)
{
	if (id in done)
		return
	done[id] = 1
	printf "%s(%s%s, %s)\n", kind, prefix[kind], id, rest
}

function trim(s)
{
	sub(/^[ \t]+/, "", s)
	sub(/[ \t]+$/, "", s)
	return s
}

function define(text,    name, value)
{
	name = text
	sub(/^#define /, "", name)
	if (match(name, /^[A-Za-z0-9_]+\(/)) {
		name = substr(name, 1, RLENGTH - 1)
		if (!(name in ours) && !(name in tried))
			fail("macro " name " is neither in expressions.h nor in ours")
		return
	}
	value = name
	sub(/^[A-Za-z0-9_]+/, "", value)
	value = trim(value)
	name = trim(substr(name, 1, match(name " ", / /) - 1))
	if (value == "" || (name in ours))
		return
	if (value ~ /"/)
		emit("STRING", name, name)
	else
		emit("CONSTANT", name, name)
}

# Starts a structure; nested ones collect their fields until they are named.
function open_struct(what, name)
{
	depth++
	first[depth] = nfields + 1
	if (name != "")
		emit("TYPE", id_of(what "_" name), what " " name)
	if (depth == 1)
		top = what " " name
}

function add_field(kind, path)
{
	nfields++
	fkind[nfields] = guest ? "GUEST_FIELD" : kind
	fpath[nfields] = path
}

function close_struct(names,    n, list, i, j, from, to)
{
	from = first[depth]
	to = nfields
	if (depth > 1) {
		if (names == "")
			fail("anonymous member")
		n = split(names, list, /, */)
		for (i = 1; i <= n; i++) {
			sub(/\[.*$/, "[0]", list[i])
			for (j = from; j <= to; j++) {
				nfields++
				fkind[nfields] = fkind[j]
				fpath[nfields] = list[i] "." fpath[j]
			}
			sub(/\[0\]$/, "", list[i])
			add_field("FIELD", list[i])
		}
		# The unnamed originals go; what was added moves down.
		for (j = to + 1; j <= nfields; j++) {
			fkind[from + j - to - 1] = fkind[j]
			fpath[from + j - to - 1] = fpath[j]
		}
		nfields -= to - from + 1
		depth--
		return
	}
	for (j = 1; j <= nfields; j++)
		emit(fkind[j], id_of(top "__" fpath[j]), top ", " fpath[j])
	nfields = 0
	depth = 0
	if (names != "")
		emit("TYPE", names, names)
}

function field(text,    n, list, i, name)
{
	sub(/;$/, "", text)
	sub(/^__extension__ /, "", text)
	if (text ~ / : [0-9]+$/)
		return # a bit field has no offset; the structure's size tells
	if (text ~ /^XEN_GUEST_HANDLE(_64)?\([a-z0-9_]+\) /)
		sub(/^[^)]*\) /, "", text)
	else if (text ~ /^(const )?(struct|union|enum|unsigned) [a-z0-9_]+ /)
		sub(/^(const )?[a-z]+ [a-z0-9_]+ \*?/, "", text)
	else if (text ~ /^(const )?[A-Za-z0-9_]+ /)
		sub(/^(const )?[A-Za-z0-9_]+ \*?/, "", text)
	else
		fail("field")
	n = split(text, list, /, */)
	for (i = 1; i <= n; i++) {
		name = list[i]
		if (name ~ /\[XEN_FLEX_ARRAY_DIM\]$/) {
			sub(/\[.*$/, "", name)
			add_field("OFFSET", name)
			continue
		}
		sub(/\[.*$/, "", name)
		if (name !~ /^[A-Za-z0-9_]+$/)
			fail("field name '" name "'")
		add_field("FIELD", name)
	}
}

function ring(name,    s)
{
	emit("TYPE", "union_" name "_sring_entry", "union " name "_sring_entry")
	s = "struct " name "_sring"
	ring_fields(s, "req_prod req_event rsp_prod rsp_event pvt pvt.pvt_pad __pad ring")
	ring_fields("struct " name "_front_ring", "req_prod_pvt rsp_cons nr_ents sring")
	ring_fields("struct " name "_back_ring", "rsp_prod_pvt req_cons nr_ents sring")
	emit("TYPE", name "_sring_t", name "_sring_t")
	emit("TYPE", name "_front_ring_t", name "_front_ring_t")
	emit("TYPE", name "_back_ring_t", name "_back_ring_t")
}

function ring_fields(s, names,    n, list, i)
{
	emit("TYPE", id_of(s), s)
	n = split(names, list, " ")
	for (i = 1; i <= n; i++)
		emit("FIELD", id_of(s "__" list[i]), s ", " list[i])
}

function type_name(text)
{
	sub(/;$/, "", text)
	sub(/\[.*$/, "", text)
	sub(/^.*[ *]/, "", text)
	if (!(text in ours))
		emit("TYPE", text, text)
}

# So that no id is itself a macro.
BEGIN {
	prefix["CONSTANT"] = prefix["STRING"] = "c_"
	prefix["TYPE"] = "t_"
	prefix["FIELD"] = prefix["GUEST_FIELD"] = prefix["OFFSET"] = "f_"
}

FILENAME ~ /ours$/ {
	sub(/#.*/, "")
	for (i = 1; i <= NF; i++)
		ours[$i] = 1
	next
}

FILENAME ~ /expressions\.h$/ {
	if (match($0, /^EXPRESSION\([a-z0-9_]+, /)) {
		# Every name that the expression calls counts as tried.
		text = $0
		while (match(text, /[A-Za-z0-9_]+\(/)) {
			tried[substr(text, RSTART, RLENGTH - 1)] = 1
			text = substr(text, RSTART + RLENGTH)
		}
	}
	next
}

{
	line = $0
	while (line ~ /\\$/) {
		sub(/[ \t]*\\$/, " ", line)
		if ((getline more) <= 0)
			fail("unfinished line")
		line = line trim(more)
	}
	line = trim(line)
}

line ~ /^@header / { header = substr(line, 9); next }
line == "" { next }

skipping {
	if (line ~ /^}/)
		skipping = 0
	next
}

line ~ /^#ifndef __PAVISE_HYPERVISOR__$/ { guest = 1; next }
line ~ /^#endif/ { guest = 0; next }
line ~ /^#define XEN_PUBLIC_/ { next }
line ~ /^#define XEN_ERRNO_LIST/ {
	text = line
	while (match(text, /X\([A-Z0-9]+, /)) {
		name = "XEN_" substr(text, RSTART + 2, RLENGTH - 4)
		emit("CONSTANT", name, name)
		text = substr(text, RSTART + RLENGTH)
	}
	next
}
line ~ /^#define / { define(line); next }
line ~ /^#(if|ifdef|ifndef|else|elif|include|undef)/ { next }

line ~ /^static / { skipping = line !~ /;$/; next }

in_enum {
	if (line ~ /^}/) {
		in_enum = 0
		next
	}
	if (line ~ /^XEN_ERRNO_LIST/)
		next
	n = split(line, list, /, */)
	for (i = 1; i <= n; i++) {
		name = list[i]
		sub(/ =.*/, "", name)
		name = trim(name)
		if (name == "")
			continue
		if (name !~ /^[A-Za-z0-9_]+$/)
			fail("enumerator")
		emit("CONSTANT", name, name)
	}
	next
}
line ~ /^enum [a-z_]+ \{.*\};$/ {
	text = line
	sub(/^[^{]*\{ */, "", text)
	sub(/ *\};$/, "", text)
	n = split(text, list, /, */)
	for (i = 1; i <= n; i++) {
		sub(/ =.*/, "", list[i])
		emit("CONSTANT", list[i], list[i])
	}
	next
}
line ~ /^enum [a-z_]+ \{$/ { in_enum = 1; next }

line ~ /^(typedef )?(struct|union)( [a-z0-9_]+)? \{$/ {
	text = line
	sub(/^typedef /, "", text)
	sub(/ \{$/, "", text)
	what = text
	sub(/ .*/, "", what)
	sub(/^[a-z]+ ?/, "", text)
	open_struct(what, text)
	next
}
line ~ /^\}.*;$/ {
	if (!depth)
		fail("unmatched brace")
	text = line
	sub(/^\} */, "", text)
	sub(/;$/, "", text)
	close_struct(text)
	next
}
depth && line ~ /;$/ { field(line); next }

line ~ /^typedef / { type_name(line); next }
line ~ /^DEFINE_XEN_GUEST_HANDLE\([a-z0-9_]+\);$/ ||
line ~ /^__DEFINE_XEN_GUEST_HANDLE\([a-z0-9_]+, [a-z0-9_ ]+\);$/ {
	text = line
	sub(/^[^(]*\(/, "", text)
	sub(/[,)].*/, "", text)
	emit("TYPE", "__guest_handle_" text, "__guest_handle_" text)
	emit("TYPE", "__guest_handle_const_" text, "__guest_handle_const_" text)
	next
}
line ~ /^DEFINE_RING_TYPES\([a-z_]+,/ {
	text = line
	sub(/^[^(]*\(/, "", text)
	sub(/,.*/, "", text)
	ring(text)
	next
}
{ fail("not understood") }

END {
	if (!failed && depth)
		printf "items.awk: %s: structure not closed\n", header > "/dev/stderr"
}
