/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Values of options that are lists, and truth values in them. See hv/cmdline.h. */
#include <hv/cmdline.h>
#include <hv/lib.h>

static bool word_is(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && !memcmp(s, word, n);
}

int cmdline_bool(const char *s, size_t n)
{
	static const char *const yes[] = {"", "1", "y", "yes", "on", "true", "enable"};
	static const char *const no[] = {"0", "n", "no", "off", "false", "disable"};

	for (unsigned int i = 0; i < ARRAY_SIZE(yes); i++) {
		if (word_is(s, n, yes[i]))
			return 1;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(no); i++) {
		if (word_is(s, n, no[i]))
			return 0;
	}
	return -EINVAL;
}

bool cmdline_item_is(const struct cmdline_item *item, const char *name)
{
	return item->name && word_is(item->name, item->length, name);
}

static struct cmdline_item make_item(const char *s, size_t n)
{
	const char *eq = memchr(s, '=', n);
	struct cmdline_item item = {
		.name = s,
		.length = eq ? (size_t)(eq - s) : n,
		.value = eq ? eq + 1 : s + n,
		.on = 1,
	};

	item.value_length = (size_t)(s + n - item.value);
	if (!eq && cmdline_bool(s, n) >= 0) {
		item.on = cmdline_bool(s, n);
		item.name = NULL;
	} else if (eq) {
		item.on = item.value_length ? cmdline_bool(item.value, item.value_length) : -EINVAL;
	} else if (n > 3 && !memcmp(s, "no-", 3)) {
		item.on = 0;
		item.name += 3;
		item.length -= 3;
	}
	return item;
}

int cmdline_list(const char *value, int (*parse)(const struct cmdline_item *item))
{
	int rc;

	do {
		struct cmdline_item item;
		const char *end = value;

		while (*end && *end != ',')
			end++;
		if (end == value && *end)
			return -EINVAL; /* a comma with nothing before it */
		item = make_item(value, (size_t)(end - value));
		rc = parse(&item);
		value = *end ? end + 1 : end;
	} while (!rc && *value);
	return rc;
}
