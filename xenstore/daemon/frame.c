/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The journal's frames: length, CRC-32C, items. See journal.h. Owns a table.
 */
#include <string.h>

#include <xenstore/daemon/journal.h>

static uint32_t crc_table[8][256];

static void crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++) {
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		}
		crc_table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (int t = 1; t < 8; t++) {
			uint32_t c = crc_table[t - 1][i];

			crc_table[t][i] = crc_table[0][c & 0xff] ^ c >> 8;
		}
	}
}

#ifdef __x86_64__
/* The CPU's own instruction, eight bytes at a time. */
__attribute__((target("sse4.2"))) static uint32_t crc32c_cpu(const unsigned char *p, size_t len)
{
	uint64_t c = ~(uint32_t)len, word;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, 8);
		c = __builtin_ia32_crc32di(c, word);
	}
	while (len--) {
		c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
	}
	return ~(uint32_t)c;
}
#endif

static uint32_t crc32c(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t c = ~(uint32_t)len;

#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2")) {
		return crc32c_cpu(p, len);
	}
#endif
	if (!crc_table[0][1]) {
		crc_init();
	}
	for (; len >= 8; len -= 8, p += 8) {
		uint32_t a, b;

		memcpy(&a, p, 4);
		memcpy(&b, p + 4, 4);
		a ^= c;
		c = crc_table[7][a & 0xff] ^ crc_table[6][a >> 8 & 0xff] ^
		    crc_table[5][a >> 16 & 0xff] ^ crc_table[4][a >> 24] ^ crc_table[3][b & 0xff] ^
		    crc_table[2][b >> 8 & 0xff] ^ crc_table[1][b >> 16 & 0xff] ^
		    crc_table[0][b >> 24];
	}
	while (len--) {
		c = crc_table[0][(c ^ *p++) & 0xff] ^ c >> 8;
	}
	return ~c;
}

bool journal_frame(const char *data, size_t size, size_t *pos, struct rec_in *ret_items)
{
	size_t left = size - *pos;
	uint32_t len, crc;

	if (*pos > size || left < JOURNAL_FRAME_HEAD) {
		return false;
	}
	len = __atomic_load_n((const uint32_t *)(const void *)(data + *pos), __ATOMIC_ACQUIRE);
	memcpy(&crc, data + *pos + 4, 4);
	left = (left - JOURNAL_FRAME_HEAD) & ~(size_t)7;
	if (!len || len > left || crc32c(data + *pos + JOURNAL_FRAME_HEAD, len) != crc) {
		return false;
	}
	*ret_items = (struct rec_in){data + *pos + JOURNAL_FRAME_HEAD, len};
	*pos += JOURNAL_FRAME_HEAD + ((len + 7u) & ~(size_t)7);
	return true;
}

void journal_seal(char *at, size_t len)
{
	uint32_t crc = crc32c(at + JOURNAL_FRAME_HEAD, len);

	memcpy(at + 4, &crc, sizeof(crc));
	/* Last, and after everything else: then it is there. */
	__atomic_store_n((uint32_t *)(void *)at, (uint32_t)len, __ATOMIC_RELEASE);
}
