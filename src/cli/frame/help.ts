/** Help: on the program, on a group of commands, on one command. */
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { columns, wrapped } from "../screen/layout.js";
import { COMMON_OPTIONS } from "./arguments.js";
import type { Command, CommandRow, OptionSpecs } from "./command.js";
import { COMMANDS } from "./command-table.js";

const WIDTH = 100;

/** Help on the program. */
export function programHelp(): string {
  return [
    "usage: tessera COMMAND [OPTION…] [ARGUMENT…]",
    "",
    "Kerberos tickets for gRPC: a realm, its servers, and what users do with tickets.",
    "",
    "commands:",
    ...commandList(COMMANDS),
    "",
    "A first session; in a clone, or in a project that has installed tessera-sso, `tessera` is typed `npx " +
      "tessera`:",
    "  tessera realm create",
    "  tessera kadmin addprinc alice",
    "  tessera serve &",
    "  tessera kinit alice",
    "  tessera call put-note name=first text='sealed all the way'",
    "",
    "Or all of it at once, showing the six messages: tessera demo",
    "",
    "environment:",
    ...columns([
      ["  TESSERA_CONFIG", "tessera.toml, which may say all of this: tessera config show"],
      ["  TESSERA_REALM_DIR", "the realm's folder"],
      [
        "  TESSERA_KDC",
        `HOST:PORT of the AS, or of both as AS,TGS; several with spaces between them, or dns; ${DEFAULT_ADDRESSES.as},${DEFAULT_ADDRESSES.tgs}`,
      ],
      ["  TESSERA_CCACHE", "credential cache, FILE:/tmp/tesseracc_UID"],
      ["  TESSERA_KEYTAB", "keytab of kinit -k, klist -k and serve v"],
      ["  TESSERA_TRACE", "a file, or -: the client writes a line for each step; json:FILE: as JSON"],
    ]),
    "",
    "exit codes: 0 done, 1 refused or failed, 2 wrong usage",
    "`tessera COMMAND --help` shows a command's options and examples.",
  ].join("\n");
}

/** Help on a group of commands, such as `kadmin`. */
export function groupHelp(group: string, rows: readonly CommandRow[]): string {
  return [
    `usage: tessera ${group} COMMAND …`,
    "",
    "commands:",
    ...commandList(rows),
    "",
    `\`tessera ${group} COMMAND --help\` shows a command's options and examples.`,
  ].join("\n");
}

/** Help on a command. */
export function commandHelp(command: Command): string {
  return [
    ...usageLines(command),
    "",
    ...wrapped(command.description, WIDTH),
    "",
    "options:",
    ...optionLines({ ...command.options, ...COMMON_OPTIONS }),
    "",
    command.examples.length === 1 ? "example:" : "examples:",
    ...command.examples.map((example) => `  ${example}`),
  ].join("\n");
}

/** How a command is typed: one line for each form. */
export function usageLines({ name, usage }: Pick<Command, "name" | "usage">): string[] {
  return usage.map((form, i) => `${i === 0 ? "usage:" : "      "} tessera ${name} ${form}`.trimEnd());
}

function commandList(rows: readonly CommandRow[]): string[] {
  return columns(rows.map(({ name, summary }) => [`  ${name}`, summary]));
}

function optionLines(options: OptionSpecs): string[] {
  const rows = Object.entries(options).map(([name, { short, value = "", help }]) => ({
    head: `  ${short === undefined ? "    " : `-${short}, `}--${name}${value && ` ${value}`}`,
    help,
  }));
  const width = Math.min(34, Math.max(...rows.map(({ head }) => head.length))) + 2;
  return rows.flatMap(({ head, help }) => {
    const [first = "", ...more] = wrapped(help, WIDTH - width);
    const indent = " ".repeat(width);
    const lines = head.length < width ? [head.padEnd(width) + first] : [head, indent + first];
    return [...lines, ...more.map((line) => indent + line)];
  });
}
