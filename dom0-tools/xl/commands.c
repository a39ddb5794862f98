/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * The table of commands, and how a word becomes one. docs/man/xl.1 describes
 * each command and option; a test compares them.
 */
#include "dom0-tools/xl/xl.h"

#include <string.h>

#include "dom0-tools/xl/handlers.h"

#define CONFIG_OPTION                                                        \
	{                                                                    \
		'f', "defconfig", "FILE", "Use the given configuration file" \
	}

/* clang-format off */
const struct xl_command xl_commands[] = {
	{ "create", cmd_create, "<ConfigFile> [options] [vars]",
	  "Create a domain from config file <filename>", 0, -1, XL_ARG_FILE, true, true, {
		{ 'c', NULL, NULL, "Connect to the console after the domain is created" },
		{ 'd', NULL, NULL, "Enable debug messages" },
		{ 'e', NULL, NULL, "Do not wait in the background for the death of the domain" },
		{ 'F', NULL, NULL, "Run in foreground until death of the domain" },
		CONFIG_OPTION,
		{ 'n', "dryrun", NULL, "Print the resulting configuration and create nothing" },
		{ 'p', NULL, NULL, "Leave the domain paused after it is created" },
		{ 'q', "quiet", NULL, "Print errors only" },
		{ 0, "ignore-global-affinity-masks", NULL, NULL },
	  } },
	{ "config-update", cmd_config_update, "<Domain> <ConfigFile> [options] [vars]",
	  "Update a running domain's saved configuration, used when it is next restarted", 0, -1,
	  XL_ARG_DOMAIN, true, true, {
		CONFIG_OPTION,
		{ 'd', NULL, NULL, "Enable debug messages" },
	  } },
	{ "list", cmd_list, "[options] [Domain ...]", "List information about all/some domains", 0, -1,
	  XL_ARG_DOMAIN, false, false, {
		{ 'l', "long", NULL, "Output all VM details" },
		{ 'v', "verbose", NULL, "Prints out UUIDs and security context" },
		{ 'Z', "context", NULL, "Prints out security context" },
		{ 'c', "cpupool", NULL, "Prints the cpupool the domain is in" },
		{ 'n', "numa", NULL, "Prints out NUMA node affinity" },
	  } },
	{ "destroy", cmd_destroy, "[options] <Domain>", "Terminate a domain immediately", 1, 1,
	  XL_ARG_DOMAIN, true, false, {
		{ 'f', NULL, NULL, "Permit destroying domain 0" },
	  } },
	{ "shutdown", cmd_shutdown, "[options] <-a|Domain>",
	  "Issue a shutdown signal to a domain", 0, 1, XL_ARG_DOMAIN, true, false, {
		{ 'a', "all", NULL, "Shut down all guest domains" },
		{ 'F', NULL, NULL, "Accepted for HVM guests; does nothing to PV ones" },
		{ 'w', "wait", NULL, "Wait until the domains are down; twice: until they are gone" },
	  } },
	{ "reboot", cmd_reboot, "[options] <-a|Domain>", "Issue a reboot signal to a domain", 0, 1,
	  XL_ARG_DOMAIN, true, false, {
		{ 'a', "all", NULL, "Reboot all guest domains" },
		{ 'F', NULL, NULL, "Accepted for HVM guests; does nothing to PV ones" },
		{ 'w', "wait", NULL, "Wait until the domains are down" },
	  } },
	{ "pause", cmd_pause, "<Domain>", "Pause execution of a domain", 1, 1, XL_ARG_DOMAIN, true },
	{ "unpause", cmd_unpause, "<Domain>", "Unpause a paused domain", 1, 1, XL_ARG_DOMAIN, true },
	{ "console", cmd_console, "[options] <Domain>", "Attach to domain's console", 1, 1,
	  XL_ARG_DOMAIN, false, false, {
		{ 't', "type", "TYPE", "Console type; pv is the only one of a PV domain" },
		{ 'n', "num", "NUMBER", "Console number" },
	  } },
	{ "dump-core", cmd_dump_core, "<Domain> <filename>", "Core dump a domain", 1, 2,
	  XL_ARG_DOMAIN, true },
	{ "mem-max", cmd_mem_max, "<Domain> <MemMB['b'[bytes]|'k'[KB]|'m'[MB]|'g'[GB]|'t'[TB]]>",
	  "Set the maximum amount reservation for a domain", 2, 2, XL_ARG_DOMAIN, true },
	{ "mem-set", cmd_mem_set, "<Domain> <MemMB['b'[bytes]|'k'[KB]|'m'[MB]|'g'[GB]|'t'[TB]]>",
	  "Set the current memory usage for a domain", 2, 2, XL_ARG_DOMAIN, true },
	{ "vcpu-list", cmd_vcpu_list, "[Domain, ...]", "List the VCPUs for all/some domains", 0, -1,
	  XL_ARG_DOMAIN },
	{ "vcpu-pin", cmd_vcpu_pin,
	  "[option] <Domain> <VCPU|all> <Hard affinity|-|all> <Soft affinity|-|all>",
	  "Set which CPUs a VCPU can use", 3, 4, XL_ARG_DOMAIN, true, true, {
		{ 'f', "force", NULL, "Undo an override pinning done by the kernel" },
		{ 0, "ignore-global-affinity-masks", NULL, NULL },
	  } },
	{ "vcpu-set", cmd_vcpu_set, "[option] <Domain> <vCPUs>",
	  "Set the number of active VCPUs allowed for the domain", 2, 2, XL_ARG_DOMAIN, true,
	  false, {
		{ 'i', "ignore-host", NULL, "Don't limit the vCPU based on the host CPU count" },
	  } },
	{ "vm-list", cmd_vm_list, "", "List guest domains, excluding dom0, stubdoms, etc.", 0, 0 },
	{ "info", cmd_info, "[options]", "Get information about Xen host", 0, 0, XL_ARG_NONE, false,
	  false, {
		{ 'n', "numa", NULL, "List host NUMA topology information" },
		{ 'j', "json", NULL, "Print it as a JSON object" },
	  } },
	{ "sched-credit", cmd_sched_credit,
	  "[-d <Domain> [-w[=WEIGHT]|-c[=CAP]]] [-s [-t TSLICE] [-r RATELIMIT]] [-p CPUPOOL]",
	  "Get/set credit scheduler parameters", 0, 0, XL_ARG_NONE, true, false, {
		{ 'd', "domain", "DOMAIN", "Domain to modify" },
		{ 'w', "weight", "WEIGHT", "Weight (int)" },
		{ 'c', "cap", "CAP", "Cap (int)" },
		{ 's', "schedparam", NULL, "Query / modify scheduler parameters" },
		{ 't', "tslice_ms", "TSLICE", "Set the timeslice, in milliseconds" },
		{ 'r', "ratelimit_us", "RLIMIT", "Set the scheduling rate limit, in microseconds" },
		{ 'm', "migration_delay_us", "DLY", "Set the migration delay, in microseconds" },
		{ 'p', "cpupool", "CPUPOOL", "Restrict output to CPUPOOL" },
	  } },
	{ "domid", cmd_domid, "<DomainName>", "Convert a domain name to domain id", 1, 1,
	  XL_ARG_DOMAIN },
	{ "domname", cmd_domname, "<DomainId>", "Convert a domain id to domain name", 1, 1 },
	{ "rename", cmd_rename, "<Domain> <NewDomainName>", "Rename a domain", 2, 2, XL_ARG_DOMAIN,
	  true },
	{ "sysrq", cmd_sysrq, "<Domain> <letter>", "Send a sysrq to a domain", 2, 2, XL_ARG_DOMAIN,
	  true },
	{ "debug-keys", cmd_debug_keys, "<Keys>", "Send debug keys to Xen", 1, 1, XL_ARG_NONE,
	  true },
	{ "dmesg", cmd_dmesg, "[-c]", "Read and/or clear dmesg buffer", 0, 0, XL_ARG_NONE, false,
	  false, {
		{ 'c', "clear", NULL, "Clear dmesg buffer as well as printing it" },
	  } },
	{ "network-attach", cmd_network_attach,
	  "<Domain> [mac=<mac>] [bridge=<bridge>] [ip=<ip>] [script=<script>] "
	  "[backend=<BackDomain>] [vifname=<name>] [rate=<rate>] [mtu=<mtu>]",
	  "Create a new virtual network device", 1, -1, XL_ARG_DOMAIN, true, true },
	{ "network-list", cmd_network_list, "<Domain(s)>",
	  "List virtual network interfaces for a domain", 1, -1, XL_ARG_DOMAIN },
	{ "network-detach", cmd_network_detach, "<Domain> <DevId|mac>",
	  "Destroy a domain's virtual network device", 2, 2, XL_ARG_DOMAIN, true, false, {
		{ 'f', "force", NULL, "Do not wait for the domain to release the device" },
	  } },
	{ "block-attach", cmd_block_attach, "<Domain> <disk-spec-component(s)>...",
	  "Create a new virtual block device", 2, -1, XL_ARG_DOMAIN, true, true },
	{ "block-list", cmd_block_list, "<Domain(s)>", "List virtual block devices for a domain", 1,
	  -1, XL_ARG_DOMAIN },
	{ "block-detach", cmd_block_detach, "[option] <Domain> <DevId>",
	  "Destroy a domain's virtual block device", 2, 2, XL_ARG_DOMAIN, true, false, {
		{ 'f', "force", NULL, "Do not wait for the domain to release the device" },
	  } },
	{ "uptime", cmd_uptime, "[-s] [Domain]", "Print uptime for all/some domains", 0, -1,
	  XL_ARG_DOMAIN, false, false, {
		{ 's', "short", NULL, "Print the time of day too, one line a domain" },
	  } },
	{ "claims", cmd_claims, "", "List outstanding claim information about all domains", 0, 0 },
	{ "domxml-export", cmd_domxml_export, "<Domain>|<ConfigFile>",
	  "Write a domain's configuration as libvirt domain XML", 1, 1, XL_ARG_DOMAIN },
	{ "completion", cmd_completion, "bash", "Print a completion script for a shell", 0, 1 },
	{ "version", cmd_version, "", "Print the versions of xl and of the hypervisor", 0, 0 },
	{ "help", cmd_help, "[command]", "Print this list or a command's help", 0, 1,
	  XL_ARG_COMMAND, false, false, {
		{ 0, "long", NULL, NULL },
	  } },
};
/* clang-format on */

const size_t xl_nr_commands = sizeof(xl_commands) / sizeof(xl_commands[0]);

const char *const xl_xen_only_names[] = {
	"pci-attach",
	"pci-detach",
	"pci-list",
	"pci-assignable-add",
	"pci-assignable-remove",
	"pci-assignable-list",
	"vncviewer",
	"save",
	"migrate",
	"restore",
	"migrate-receive",
	"cd-insert",
	"cd-eject",
	"button-press",
	"sharing",
	"sched-credit2",
	"sched-rtds",
	"trigger",
	"set-parameters",
	"top",
	"channel-list",
	"vtpm-attach",
	"vtpm-list",
	"vtpm-detach",
	"vkb-attach",
	"vkb-list",
	"vkb-detach",
	"vdispl-attach",
	"vdispl-list",
	"vdispl-detach",
	"vsnd-attach",
	"vsnd-list",
	"vsnd-detach",
	"cpupool-create",
	"cpupool-list",
	"cpupool-destroy",
	"cpupool-rename",
	"cpupool-cpu-add",
	"cpupool-cpu-remove",
	"cpupool-migrate",
	"cpupool-numa-split",
	"getenforce",
	"setenforce",
	"loadpolicy",
	"remus",
	"devd",
	"psr-hwinfo",
	"psr-cmt-attach",
	"psr-cmt-detach",
	"psr-cmt-show",
	"psr-cat-set",
	"psr-cat-show",
	"psr-mba-set",
	"psr-mba-show",
	"usbctrl-attach",
	"usbctrl-detach",
	"usbdev-attach",
	"usbdev-detach",
	"usb-list",
	"qemu-monitor-command",
};

const size_t xl_nr_xen_only_names = sizeof(xl_xen_only_names) / sizeof(xl_xen_only_names[0]);

const char *xl_name_at(size_t i)
{
	if (i < xl_nr_commands)
		return xl_commands[i].name;
	i -= xl_nr_commands;
	return i < xl_nr_xen_only_names ? xl_xen_only_names[i] : NULL;
}

enum xl_lookup xl_lookup(const char *word, const struct xl_command **ret_command,
			 const char **ret_name)
{
	size_t len = strlen(word), i, match = 0, matches = 0;
	const char *name;

	for (i = 0; (name = xl_name_at(i)); i++) {
		if (strncmp(name, word, len))
			continue;
		match = i;
		if (!name[len]) {
			matches = 1;
			break;
		}
		matches++;
	}
	if (matches != 1 || !len)
		return matches && len ? XL_AMBIGUOUS : XL_UNKNOWN;
	*ret_name = xl_name_at(match);
	if (match >= xl_nr_commands)
		return XL_FOUND_XEN_ONLY;
	*ret_command = &xl_commands[match];
	return XL_FOUND;
}
