/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * JSON and libvirt XML: what is written, that it reads back the same, and what
 * is said of text that is wrong.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dom0-tools/xl/cfg_apply.h"
#include "dom0-tools/xl/json.h"
#include "dom0-tools/xl/xml.h"
#include "tests/unit/xl/fake.h"

static const struct cpu_host host = {.nr_cpus = 8};

static void load(const char *text, struct domain_config *cfg)
{
	const struct cfg_report *report = fake_report();
	struct cfg_file *file = NULL;

	domain_config_init(cfg);
	assert_int_equal(cfg_parse("t", text, strlen(text), report, &file), 0);
	assert_int_equal(cfg_apply_files(&file, 1, &host, report, cfg), 0);
	assert_string_equal(fake_report_text(), "");
	assert_int_equal(domain_config_finish(cfg, NULL), 0);
	cfg_free(file);
}

static const char full[] =
	"name='a'\nuuid='b3ecc708-7026-4b2c-85c2-2014f77d2ce8'\nkernel='/k'\nramdisk='/r'\n"
	"cmdline='x <&\"\\' y'\nmemory=64\nmaxmem=128\nvcpus=2\nmaxvcpus=3\ncpus=['0-1','2']\n"
	"cpu_weight=300\nlocaltime=1\non_crash='preserve'\non_reboot='rename-restart'\n"
	"disk=['/dev/x,,xvda','/y.img,qcow2,xvdb,ro',',hdc:cdrom,r']\n"
	"vif=['mac=00:16:3e:01:02:03,bridge=br0,vifname=v0,ip=1.2.3.4,script=/s,mtu=9000',"
	"'mac=00:16:3e:01:02:04,backend=net']\n";

static char *as_json(const struct domain_config *cfg)
{
	char *text;
	size_t len;

	assert_int_equal(json_write_config(cfg, &text, &len), 0);
	assert_int_equal(len, strlen(text));
	return text;
}

/* ---- JSON ---------------------------------------------------------------------- */

/* What Debian's `xl create -n` prints of the same file, but for what it lacks. */
static const char demo_json[] = "{\n"
				"    \"c_info\": {\n"
				"        \"type\": \"pv\",\n"
				"        \"name\": \"demo\",\n"
				"        \"uuid\": \"b3ecc708-7026-4b2c-85c2-2014f77d2ce8\"\n"
				"    },\n"
				"    \"b_info\": {\n"
				"        \"max_vcpus\": 1,\n"
				"        \"avail_vcpus\": [\n"
				"            0\n"
				"        ],\n"
				"        \"max_memkb\": 262144,\n"
				"        \"target_memkb\": 262144,\n"
				"        \"sched_params\": {\n\n"
				"        },\n"
				"        \"claim_mode\": \"True\",\n"
				"        \"kernel\": \"/boot/vmlinuz-domu\",\n"
				"        \"cmdline\": \"console=hvc0\",\n"
				"        \"ramdisk\": \"/boot/domu.img\",\n"
				"        \"type.pv\": {\n\n"
				"        },\n"
				"        \"arch_arm\": {\n\n"
				"        },\n"
				"        \"arch_x86\": {\n\n"
				"        }\n"
				"    },\n"
				"    \"on_reboot\": \"restart\",\n"
				"    \"on_soft_reset\": \"soft_reset\"\n"
				"}\n";

static void json_text(void **state)
{
	struct domain_config cfg;
	char *text;

	load("name='demo'\nkernel='/boot/vmlinuz-domu'\nramdisk='/boot/domu.img'\nmemory=256\n"
	     "uuid='b3ecc708-7026-4b2c-85c2-2014f77d2ce8'\nvcpus=1\nextra='console=hvc0'\n",
	     &cfg);
	text = as_json(&cfg);
	assert_string_equal(text, demo_json);
	free(text);
	domain_config_fini(&cfg);
}

static void json_round_trip(void **state)
{
	static const char *const more[] = {
		"",
		"pool='P'\nbootloader='b'\nbootloader_args=['1','2']\ncap=10\n"
		"on_poweroff='coredump-restart'\non_watchdog='soft-reset'\non_soft_reset='destroy'\n"
		"max_event_channels=100\nmax_grant_frames=9\nmax_maptrack_frames=8\n"
		"max_grant_version=1\ntsc_mode='always_emulate'\nrtc_timeoffset=-60\nnomigrate=1\n"
		"driver_domain=1\nxend_suspend_evtchn_compat=1\ne820_host=1\nmsr_relaxed=1\n"
		"claim_mode=0\ncpus_soft='3'\n"
		"disk+=['no-discard,untrusted,direct-io-safe,backendtype=phy,script=s,backend=b,"
		"vdev=xvdz,target=z']\nvif+=['rate=1MB/s,untrusted,gatewaydev=g,model=m']\n",
	};
	char text[4096], *first, *second;
	struct domain_config cfg, back;

	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "%s%s", full, more[i]);
		load(text, &cfg);
		first = as_json(&cfg);
		domain_config_init(&back);
		assert_int_equal(json_read_config(first, &back), 0);
		second = as_json(&back);
		assert_string_equal(first, second);
		assert_int_equal(domain_config_finish(&back, NULL), 0);
		free(first);
		free(second);
		domain_config_fini(&cfg);
		domain_config_fini(&back);
	}
}

static void json_damage(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"c_info\":{},\"b_info\":[]}",
		"{\"c_info\":{},\"b_info\":{\"vcpu_hard_affinity\":[1]}}",
		"{\"c_info\":{},\"b_info\":{\"bootloader_args\":[1]}}",
		"{\"c_info\":{},\"b_info\":{},\"disks\":[1]}",
	};
	struct domain_config cfg;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		domain_config_init(&cfg);
		assert_int_equal(json_read_config(texts[i], &cfg), -EINVAL);
		domain_config_fini(&cfg);
	}
	/* Values of a wrong kind or size leave the default. */
	domain_config_init(&cfg);
	assert_int_equal(json_read_config("{\"c_info\":{\"name\":5,\"uuid\":\"x\"},\"b_info\":"
					  "{\"max_vcpus\":99999,\"max_memkb\":-1,\"max_memkb\":1.5,"
					  "\"cmdline\":{}},\"nics\":[{\"mac\":\"zz\"}]}",
					  &cfg),
			 0);
	assert_null(cfg.name);
	assert_false(cfg.has_uuid);
	assert_int_equal(cfg.max_vcpus, 0);
	assert_false(cfg.vifs[0].has_mac);
	domain_config_fini(&cfg);
}

static void long_list(void **state)
{
	const char *out, *err;
	char wanted[4096], *at;
	size_t used = 0;

	fake_reset();
	fake.config = strdup(demo_json);
	assert_int_equal(fake_run(&out, &err, "list", "-l", "demo", NULL), 0);
	/* The kept configuration, 8 columns to the right, with what is live. */
	used += (size_t)snprintf(wanted, sizeof(wanted),
				 "[\n    {\n        \"domid\": 1,\n        \"config\": {\n"
				 "            \"c_info\": {\n");
	wanted[used] = '\0';
	assert_true(!strncmp(out, wanted, used));
	assert_non_null(strstr(out, "\"sched_params\": {\n"
				    "                    \"weight\": 256,\n"
				    "                    \"cap\": 0\n"));
	assert_non_null(strstr(out, "\"kernel\": \"/boot/vmlinuz-domu\""));
	at = strstr(out, "\n]\n\n");
	assert_true(at && !at[4]);
	fake_reset();
}

/* ---- XML ----------------------------------------------------------------------------- */

static const char full_xml[] = "<domain type=\"xen\">\n"
			       "  <name>a</name>\n"
			       "  <uuid>b3ecc708-7026-4b2c-85c2-2014f77d2ce8</uuid>\n"
			       "  <memory unit=\"KiB\">131072</memory>\n"
			       "  <currentMemory unit=\"KiB\">65536</currentMemory>\n"
			       "  <vcpu current=\"2\">3</vcpu>\n"
			       "  <cputune>\n"
			       "    <shares>300</shares>\n"
			       "    <vcpupin vcpu=\"0\" cpuset=\"0-1\"/>\n"
			       "    <vcpupin vcpu=\"1\" cpuset=\"2\"/>\n"
			       "  </cputune>\n"
			       "  <os>\n"
			       "    <type arch=\"x86_64\" machine=\"xenpv\">linux</type>\n"
			       "    <kernel>/k</kernel>\n"
			       "    <initrd>/r</initrd>\n"
			       "    <cmdline>x &lt;&amp;&quot;' y</cmdline>\n"
			       "  </os>\n"
			       "  <clock offset=\"localtime\"/>\n"
			       "  <on_poweroff>destroy</on_poweroff>\n"
			       "  <on_reboot>rename-restart</on_reboot>\n"
			       "  <on_crash>preserve</on_crash>\n"
			       "  <devices>\n"
			       "    <disk type=\"block\" device=\"disk\">\n"
			       "      <driver type=\"raw\"/>\n"
			       "      <source dev=\"/dev/x\"/>\n"
			       "      <target dev=\"xvda\" bus=\"xen\"/>\n"
			       "    </disk>\n"
			       "    <disk type=\"file\" device=\"disk\">\n"
			       "      <driver type=\"qcow2\"/>\n"
			       "      <source file=\"/y.img\"/>\n"
			       "      <target dev=\"xvdb\" bus=\"xen\"/>\n"
			       "      <readonly/>\n"
			       "    </disk>\n"
			       "    <disk type=\"file\" device=\"cdrom\">\n"
			       "      <target dev=\"hdc\" bus=\"xen\"/>\n"
			       "    </disk>\n"
			       "    <interface type=\"bridge\">\n"
			       "      <mac address=\"00:16:3e:01:02:03\"/>\n"
			       "      <source bridge=\"br0\"/>\n"
			       "      <ip address=\"1.2.3.4\"/>\n"
			       "      <script path=\"/s\"/>\n"
			       "      <target dev=\"v0\"/>\n"
			       "      <mtu size=\"9000\"/>\n"
			       "    </interface>\n"
			       "    <interface type=\"ethernet\">\n"
			       "      <mac address=\"00:16:3e:01:02:04\"/>\n"
			       "      <backenddomain name=\"net\"/>\n"
			       "    </interface>\n"
			       "    <console type=\"pty\">\n"
			       "      <target type=\"xen\" port=\"0\"/>\n"
			       "    </console>\n"
			       "  </devices>\n"
			       "</domain>\n";

static int read_xml(const char *text, struct domain_config *cfg)
{
	domain_config_init(cfg);
	return xml_read_config("t", text, strlen(text), &host, fake_report(), cfg);
}

static void xml_round_trip(void **state)
{
	struct domain_config cfg, back;
	char *text, *first, *second;
	const char *why;

	load(full, &cfg);
	assert_int_equal(xml_write_config(&cfg, &text, &why), 0);
	assert_string_equal(text, full_xml);
	assert_true(xml_looks_like(text, strlen(text)));
	assert_int_equal(read_xml(text, &back), 0);
	assert_string_equal(fake_report_text(), "");
	assert_int_equal(domain_config_finish(&back, NULL), 0);
	first = as_json(&cfg);
	second = as_json(&back);
	assert_string_equal(first, second);
	free(first);
	free(second);
	free(text);
	domain_config_fini(&cfg);
	domain_config_fini(&back);
}

static void xml_says(const char *text, int expected, const char *message)
{
	struct domain_config cfg;
	int ret = read_xml(text, &cfg);

	assert_string_equal(fake_report_text(), message);
	assert_int_equal(ret, expected);
	domain_config_fini(&cfg);
}

static void xml_errors(void **state)
{
	xml_says("<domain>\n<name>a</nam>\n</domain>", -EINVAL,
		 "t:2:14: not well-formed XML: Opening and ending tag mismatch: name line 2 and "
		 "nam\n");
	xml_says("<network/>", -EINVAL, "t:1:1: the document is a <network>, not a <domain>\n");
	xml_says("<domain type='kvm'/>", -EINVAL, "t:1:1: the domain's type is 'kvm', not 'xen'\n");
	xml_says("<domain>\n<os><type>hvm</type></os></domain>", -EINVAL,
		 "t:2:1: os type 'hvm' is not supported: this hypervisor runs PV domains only\n");
	xml_says("<domain>\n<features><acpi/></features></domain>", 0,
		 "warning: t:2:1: <features> is ignored: it means nothing to a PV domain here\n");
	xml_says("<domain><devices>\n<graphics/></devices></domain>", 0,
		 "warning: t:2:1: <graphics> is ignored: it means nothing to a PV domain here\n");
	xml_says("<domain><memory unit='parsec'>1</memory></domain>", -EINVAL,
		 "t:1:1: unknown unit 'parsec'\n");
	xml_says("<domain><memory>x</memory></domain>", -EINVAL,
		 "t:1:1: 'x' is not a number from 0 to 18446744073709551615\n");
	xml_says("<domain><vcpu>-1</vcpu></domain>", -EINVAL,
		 "t:1:1: '-1' is not a number from 0 to 8192\n");
	xml_says("<domain><uuid>1</uuid></domain>", -EINVAL, "t:1:1: '1' is not a UUID\n");
	xml_says("<domain><devices><disk/></devices></domain>", -EINVAL,
		 "t:1:1: the disk has no <target dev=...>\n");
	xml_says("<domain><on_crash>zap</on_crash></domain>", -EINVAL,
		 "t:1:1: unknown action 'zap' for on_crash\n");
	xml_says("<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
		 "<domain><name>&e;</name></domain>",
		 0, "");
}

static void xml_units(void **state)
{
	struct domain_config cfg;

	assert_int_equal(read_xml(" \n<domain><memory unit='GiB'>2</memory><currentMemory>1024"
				  "</currentMemory><vcpu cpuset='0-1'>2</vcpu></domain>",
				  &cfg),
			 0);
	assert_int_equal(cfg.max_memory_kb, 2 << 20);
	assert_int_equal(cfg.memory_kb, 1024);
	assert_int_equal(cfg.hard_affinity.nr, 2);
	domain_config_fini(&cfg);
	assert_false(xml_looks_like("name=\"<\"", 8));
	assert_false(xml_looks_like("", 0));
}

static void export_command(void **state)
{
	const char *out, *err;

	fake_reset();
	fake.config = strdup(demo_json);
	assert_int_equal(fake_run(&out, &err, "domxml-export", "demo", NULL), 0);
	assert_non_null(strstr(out, "<kernel>/boot/vmlinuz-domu</kernel>"));
	assert_int_equal(fake_run(&out, &err, "domxml-export", "0", NULL), 1);
	fake_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_text),      cmocka_unit_test(json_round_trip),
		cmocka_unit_test(json_damage),    cmocka_unit_test(long_list),
		cmocka_unit_test(xml_round_trip), cmocka_unit_test(xml_errors),
		cmocka_unit_test(xml_units),      cmocka_unit_test(export_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
