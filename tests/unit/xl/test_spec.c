/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Device specifications, CPU lists, sizes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dom0-tools/xl/cpulist.h"
#include "dom0-tools/xl/spec.h"
#include "dom0-tools/xl/xl.h"

/* ---- disks -------------------------------------------------------------------------- */

struct disk_case {
	const char *spec, *target, *vdev;
	enum domain_disk_format format;
	bool readwrite, cdrom;
};

static void disks(void **state)
{
	static const struct disk_case cases[] = {
		/* The manual's equivalent spellings */
		{"/dev/vg/guest-volume,,hda", "/dev/vg/guest-volume", "hda", 0, true, false},
		{"/dev/vg/guest-volume,raw,hda,rw", "/dev/vg/guest-volume", "hda", 0, true, false},
		{"format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume",
		 "/dev/vg/guest-volume", "hda", 0, true, false},
		{"raw:/dev/vg/guest-volume,hda,w", "/dev/vg/guest-volume", "hda", 0, true, false},
		{"/root/image.iso,,hdc,cdrom", "/root/image.iso", "hdc", 0, false, true},
		{"/root/image.iso,,hdc,,cdrom", "/root/image.iso", "hdc", 0, false, true},
		{"/root/image.iso,raw,hdc,devtype=cdrom", "/root/image.iso", "hdc", 0, false, true},
		{"format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso",
		 "/root/image.iso", "hdc", 0, false, true},
		{"raw:/root/image.iso,hdc:cdrom,ro", "/root/image.iso", "hdc", 0, false, true},
		/* What people write */
		{"phy:/dev/loop0,xvda,w", "/dev/loop0", "xvda", 0, true, false},
		{"file:/x/y.img,sda1,r", "/x/y.img", "sda1", 0, false, false},
		{"tap:aio:qcow2:/a,xvdb,w", "/a", "xvdb", DOMAIN_DISK_QCOW2, true, false},
		{"/a,qcow2,hda", "/a", "hda", DOMAIN_DISK_QCOW2, true, false},
		{"vg/lv,,d0p1", "/dev/vg/lv", "d0p1", 0, true, false},
		{"/a,,51712,ro", "/a", "51712", 0, false, false},
		{"vdev=xvdd,target=/a,b, c=d", "/a,b, c=d", "xvdd", 0, true, false},
		{"/a=b/c,,xvda", "/a=b/c", "xvda", 0, true, false},
		{",hdc:cdrom,r", NULL, "hdc", DOMAIN_DISK_EMPTY, false, true},
		{"vdev=hdc,cdrom", NULL, "hdc", DOMAIN_DISK_EMPTY, false, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct disk_case *c = &cases[i];
		struct domain_disk disk;
		struct spec_error err;

		domain_disk_init(&disk);
		if (spec_parse_disk(c->spec, &disk, &err))
			fail_msg("%s: %s", c->spec, err.text);
		if (c->target)
			assert_string_equal(disk.target, c->target);
		else
			assert_null(disk.target);
		assert_string_equal(disk.vdev, c->vdev);
		assert_int_equal(disk.format, c->format);
		assert_int_equal(disk.readwrite, c->readwrite);
		assert_int_equal(disk.cdrom, c->cdrom);
		domain_disk_fini(&disk);
	}
}

static void disk_flags(void **state)
{
	struct domain_disk disk;
	struct spec_error err;

	domain_disk_init(&disk);
	assert_int_equal(spec_parse_disk("no-discard,untrusted,direct-io-safe,backend=dd,"
					 "backendtype=phy,script=block-x,vdev=xvda,target=a:b",
					 &disk, &err),
			 0);
	assert_false(disk.discard || disk.trusted);
	assert_true(disk.direct_io_safe);
	assert_string_equal(disk.backend_domain, "dd");
	assert_int_equal(disk.backend, DOMAIN_DISK_BACKEND_PHY);
	assert_string_equal(disk.script, "block-x");
	assert_string_equal(disk.target, "a:b"); /* a script's: not a path */
	domain_disk_fini(&disk);
}

static void bad_disk(const char *spec, const char *message)
{
	struct domain_disk disk;
	struct spec_error err;

	domain_disk_init(&disk);
	assert_int_equal(spec_parse_disk(spec, &disk, &err), -EINVAL);
	assert_string_equal(err.text, message);
	domain_disk_fini(&disk);
}

static void bad_disks(void **state)
{
	bad_disk("", "disk: no vdev specified in ''");
	bad_disk("/a", "disk: no vdev specified in '/a'");
	bad_disk("vdev=xvda", "disk: no target specified in 'vdev=xvda'");
	bad_disk("/a,bogus,xvda",
		 "disk: unknown format (there are raw, qcow, qcow2, vhd, qed): 'bogus' in "
		 "'/a,bogus,xvda'");
	bad_disk("/a,,foo", "disk: not the name of a virtual disk (like xvda or sdb1): 'foo' in "
			    "'/a,,foo'");
	bad_disk("/a,,xvda,x", "disk: unknown access (there are rw, w, ro and r): 'x' in "
			       "'/a,,xvda,x'");
	bad_disk("/a,,xvda,w,more", "disk: one part too many: 'more' in '/a,,xvda,w,more'");
	bad_disk("bogus=1,vdev=xvda", "disk: unknown parameter: 'bogus' in 'bogus=1,vdev=xvda'");
	bad_disk("vdev=xvda,vdev=xvdb", "disk: vdev is given twice in 'vdev=xvda,vdev=xvdb'");
	bad_disk("/a,,xvda,devtype=tape",
		 "disk: unknown devtype (there are cdrom and disk): 'tape' in "
		 "'/a,,xvda,devtype=tape'");
	bad_disk("/a,,xvda,backendtype=nbd",
		 "disk: unknown backendtype (there are phy and qdisk): 'nbd' in "
		 "'/a,,xvda,backendtype=nbd'");
}

/* ---- network interfaces ------------------------------------------------------------------ */

static void vifs(void **state)
{
	struct domain_vif vif;
	struct spec_error err;

	domain_vif_init(&vif);
	assert_int_equal(spec_parse_vif("", &vif, &err), 0);
	assert_false(vif.has_mac);
	assert_int_equal(spec_parse_vif("mac=00:16:3E:01:02:03, bridge=br9 ,ip=1.2.3.4 5.6.7.8,"
					"vifname=v0,rate=1MB/s@20ms,mtu=9000,devid=3,type=ioemu,"
					"model=e1000,script=/s,gatewaydev=e0,backend=net,untrusted",
					&vif, &err),
			 0);
	assert_memory_equal(vif.mac, "\x00\x16\x3e\x01\x02\x03", 6);
	assert_string_equal(vif.bridge, "br9");
	assert_string_equal(vif.ip, "1.2.3.4 5.6.7.8");
	assert_int_equal(vif.rate_bytes, 20000);
	assert_int_equal(vif.rate_usecs, 20000);
	assert_int_equal(vif.mtu, 9000);
	assert_int_equal(vif.devid, 3);
	assert_false(vif.trusted);
	assert_int_equal(spec_parse_vif("rate=10Mb/s", &vif, &err), 0);
	assert_int_equal(vif.rate_bytes, 62500);
	assert_int_equal(vif.rate_usecs, 50000);
	domain_vif_fini(&vif);
}

static void bad_vif(const char *spec, const char *message)
{
	struct domain_vif vif;
	struct spec_error err;

	domain_vif_init(&vif);
	assert_int_equal(spec_parse_vif(spec, &vif, &err), -EINVAL);
	assert_string_equal(err.text, message);
	domain_vif_fini(&vif);
}

static void bad_vifs(void **state)
{
	bad_vif("mac=zz", "vif: not a MAC address (like 00:16:3e:12:34:56): 'zz' in 'mac=zz'");
	bad_vif("mac=01:00:00:00:00:00", "vif: a multicast address can't be an interface's: "
					 "'01:00:00:00:00:00' in 'mac=01:00:00:00:00:00'");
	bad_vif("bogus=1", "vif: unknown parameter: 'bogus' in 'bogus=1'");
	bad_vif("bogus", "vif: neither key=value nor a flag: 'bogus' in 'bogus'");
	bad_vif("rate=fast", "vif: not a rate (like 10Mb/s or 1MB/s@20ms): 'fast' in 'rate=fast'");
	bad_vif("rate=99999999999999GB/s", "vif: not a rate (like 10Mb/s or 1MB/s@20ms): "
					   "'99999999999999GB/s' in 'rate=99999999999999GB/s'");
	bad_vif("mtu=1", "vif: mtu is a number from 68 to 65535: '1' in 'mtu=1'");
	bad_vif("devid=x", "vif: not a device number: 'x' in 'devid=x'");
}

/* ---- CPU lists ------------------------------------------------------------------------------ */

static const uint32_t nodes[] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
static const struct cpu_host host = {.nr_cpus = 16, .node_of = nodes};

static void list_is(const char *text, const char *expected)
{
	struct domain_cpumap map;
	char buf[64];

	assert_int_equal(cpulist_parse(text, &host, &map, NULL), 0);
	cpulist_format(map.bits, map.nr, &host, buf, sizeof(buf));
	assert_string_equal(buf, expected);
	domain_cpumap_fini(&map);
}

static void bad_list(const char *text, const char *where)
{
	struct domain_cpumap map;
	const char *bad;

	assert_int_equal(cpulist_parse(text, &host, &map, &bad), -EINVAL);
	assert_string_equal(bad, where);
}

static void cpu_lists(void **state)
{
	/* The manual's examples */
	list_is("all", "all");
	list_is("0-3,5,^1", "0,2-3,5");
	list_is("all,^7", "0-6,8-15");
	list_is("nodes:0-3,^node:2", "0-7,12-15");
	list_is("1,node:1,^6", "1,4-5,7");
	list_is("all,^node:1", "0-3,8-15");
	list_is("node:0,node:2,^9-11,15", "0-3,8,15");
	list_is(" 2 , 4-4 ", "2,4");
	list_is("99", "none");
	bad_list("", "");
	bad_list("z", "z");
	bad_list("1,z", "z");
	bad_list("3-1", "3-1");
	bad_list("1-", "1-");
	bad_list("1 2", "1 2");
	bad_list("99999999999999999999", "99999999999999999999");
}

static void sizes(void **state)
{
	uint64_t kb;

	assert_int_equal(xl_parse_size("200", 'm', &kb), 0);
	assert_int_equal(kb, 204800);
	assert_int_equal(xl_parse_size("1G", 'm', &kb), 0);
	assert_int_equal(kb, 1048576);
	assert_int_equal(xl_parse_size("2048b", 'm', &kb), 0);
	assert_int_equal(kb, 2);
	assert_int_equal(xl_parse_size("7k", 'm', &kb), 0);
	assert_int_equal(kb, 7);
	assert_int_equal(xl_parse_size("5x", 'm', &kb), -EINVAL);
	assert_int_equal(xl_parse_size("-5", 'm', &kb), -EINVAL);
	assert_int_equal(xl_parse_size("", 'm', &kb), -EINVAL);
	assert_int_equal(xl_parse_size("99999999999t", 'm', &kb), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disks), cmocka_unit_test(disk_flags), cmocka_unit_test(bad_disks),
		cmocka_unit_test(vifs),  cmocka_unit_test(bad_vifs),   cmocka_unit_test(cpu_lists),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
