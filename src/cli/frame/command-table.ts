/** The table of commands. A command is loaded when it is run, or when its help is asked for. */
import type { CommandRow } from "./command.js";

export const COMMANDS: readonly CommandRow[] = [
  {
    name: "demo",
    summary: "run a realm for a few seconds: the six messages, and three attacks refused",
    load: () => import("../commands/demo.js"),
  },
  {
    name: "lab",
    summary: "play with a realm in the browser: hold, change and follow each message",
    load: () => import("../commands/lab.js"),
  },
  {
    name: "realm create",
    summary: "make a realm: its keys, its TGS, the service v/localhost",
    load: () => import("../commands/realm-create.js"),
  },
  {
    name: "realm show",
    summary: "show what the realm permits, and how many principals it has",
    load: () => import("../commands/realm-show.js"),
  },
  {
    name: "realm set-profile",
    summary: "move the realm to textbook (DES) or standard (AES)",
    load: () => import("../commands/realm-set-profile.js"),
  },
  {
    name: "realm new-master-key",
    summary: "seal the realm's records under a new master key",
    load: () => import("../commands/realm-new-master-key.js"),
  },
  {
    name: "realm dump",
    summary: "write all principals into a file",
    load: () => import("../commands/realm-dump.js"),
  },
  {
    name: "realm load",
    summary: "fill a realm from a dump",
    load: () => import("../commands/realm-load.js"),
  },
  {
    name: "realm copy",
    summary: "copy all principals to another database",
    load: () => import("../commands/realm-copy.js"),
  },
  {
    name: "realm check",
    summary: "open every record of the realm",
    load: () => import("../commands/realm-check.js"),
  },
  {
    name: "kadmin",
    summary: "run the kadmin commands in a file: kadmin -f FILE",
    load: () => import("../commands/kadmin.js"),
  },
  {
    name: "kadmin addprinc",
    aliases: ["kadmin add_principal", "kadmin ank"],
    summary: "add a principal, or many from a table",
    load: () => import("../commands/kadmin-addprinc.js"),
  },
  {
    name: "kadmin listprincs",
    aliases: ["kadmin list_principals", "kadmin get_principals", "kadmin getprincs"],
    summary: "list the principals",
    load: () => import("../commands/kadmin-listprincs.js"),
  },
  {
    name: "kadmin getprinc",
    aliases: ["kadmin get_principal"],
    summary: "show a principal, never its keys",
    load: () => import("../commands/kadmin-getprinc.js"),
  },
  {
    name: "kadmin modprinc",
    aliases: ["kadmin modify_principal"],
    summary: "disable, enable, expire or limit a principal",
    load: () => import("../commands/kadmin-modprinc.js"),
  },
  {
    name: "kadmin delprinc",
    aliases: ["kadmin delete_principal"],
    summary: "delete a principal",
    load: () => import("../commands/kadmin-delprinc.js"),
  },
  {
    name: "kadmin cpw",
    aliases: ["kadmin change_password"],
    summary: "change a principal's password or keys",
    load: () => import("../commands/kadmin-cpw.js"),
  },
  {
    name: "kadmin ktadd",
    aliases: ["kadmin xst"],
    summary: "write a service's keys into a keytab",
    load: () => import("../commands/kadmin-ktadd.js"),
  },
  {
    name: "kadmin purgekeys",
    summary: "end old versions of a principal's keys now",
    load: () => import("../commands/kadmin-purgekeys.js"),
  },
  {
    name: "serve",
    summary: "run the AS, the TGS and the service V",
    load: () => import("../commands/serve.js"),
  },
  {
    name: "config check",
    summary: "check tessera.toml: every fault, with its line and column",
    load: () => import("../commands/config-check.js"),
  },
  {
    name: "config show",
    summary: "show what the configuration comes to, and where each value is from",
    load: () => import("../commands/config-show.js"),
  },
  {
    name: "config example",
    summary: "print a tessera.toml to begin with: every key, commented out",
    load: () => import("../commands/config-example.js"),
  },
  {
    name: "kinit",
    summary: "log in: get a ticket-granting ticket",
    load: () => import("../commands/kinit.js"),
  },
  {
    name: "klist",
    summary: "list the tickets of the cache, or the keys of a keytab",
    load: () => import("../commands/klist.js"),
  },
  { name: "kvno", summary: "get tickets for services", load: () => import("../commands/kvno.js") },
  {
    name: "kdestroy",
    summary: "log out: overwrite and remove the cache",
    load: () => import("../commands/kdestroy.js"),
  },
  { name: "call", summary: "call an operation of the service V", load: () => import("../commands/call.js") },
  {
    name: "trace",
    summary: "log in, get a ticket and call V, showing the six messages",
    load: () => import("../commands/trace.js"),
  },
  {
    name: "decode",
    summary: "tell what a blob is, and open it with a key",
    load: () => import("../commands/decode.js"),
  },
  {
    name: "scene list",
    summary: "list the scenes by which the textbook arrives at Kerberos",
    load: () => import("../commands/scene-list.js"),
  },
  {
    name: "scene show",
    summary: "tell a scene: its messages, its hole, and what mends it",
    load: () => import("../commands/scene-show.js"),
  },
  {
    name: "scene run",
    summary: "run a scene between real servers, with the attack that shows its hole",
    load: () => import("../commands/scene-run.js"),
  },
  {
    name: "attack list",
    summary: "list the attacks that can be run",
    load: () => import("../commands/attack-list.js"),
  },
  {
    name: "attack show",
    summary: "explain an attack",
    load: () => import("../commands/attack-show.js"),
  },
  {
    name: "attack run",
    summary: "attack a realm made for the purpose: ALLOWED or BLOCKED, and by what",
    load: () => import("../commands/attack-run.js"),
  },
  {
    name: "challenge list",
    summary: "list the challenges, and how far one has got",
    load: () => import("../commands/challenge-list.js"),
  },
  {
    name: "challenge show",
    summary: "show a challenge's task",
    load: () => import("../commands/challenge-show.js"),
  },
  {
    name: "challenge start",
    summary: "write a challenge's files, or run its realm",
    load: () => import("../commands/challenge-start.js"),
  },
  {
    name: "challenge hint",
    summary: "show the next hint of a challenge",
    load: () => import("../commands/challenge-hint.js"),
  },
  {
    name: "challenge submit",
    aliases: ["challenge solve"],
    summary: "hand in a flag",
    load: () => import("../commands/challenge-submit.js"),
  },
  {
    name: "challenge score",
    summary: "show what one's work comes to",
    load: () => import("../commands/challenge-score.js"),
  },
  {
    name: "challenge join",
    summary: "make one's folder one of a class",
    load: () => import("../commands/challenge-join.js"),
  },
  {
    name: "challenge reset",
    summary: "for teachers: make the challenges of a class",
    load: () => import("../commands/challenge-reset.js"),
  },
  {
    name: "challenge mark",
    summary: "for teachers: mark what students handed in",
    load: () => import("../commands/challenge-mark.js"),
  },
  {
    name: "exercise",
    summary: "mark a TGS that you wrote, in twelve stages",
    load: () => import("../commands/exercise.js"),
  },
  {
    name: "doctor",
    summary: "check the realm's folder, the clock and the servers",
    load: () => import("../commands/doctor.js"),
  },
  {
    name: "completion",
    summary: "print completions for bash, zsh or fish",
    load: () => import("../commands/completion.js"),
  },
  { name: "version", summary: "print the version", load: () => import("../commands/version.js") },
];
