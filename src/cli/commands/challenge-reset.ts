/** `tessera challenge reset`: makes the challenges of a whole class anew. */
import { defineCommand, UsageError } from "../frame/command.js";
import { CLASS_OPTIONS, classChoice } from "../options/class-options.js";
import { counted } from "../screen/counted.js";

export const command = defineCommand({
  name: "challenge reset",
  usage: [
    "--class NAME --seed FILE [--to DIR] STUDENT…",
    "--class NAME --seed FILE [--to DIR] --students FILE",
  ],
  description:
    "For teachers: makes a kit for each student of a class, with flags that are that student's alone. " +
    "They come from the class's seed, which is made where the file is not there; the same seed makes the " +
    "same flags again, another seed others. Give each student the kit named after them (tessera " +
    "challenge join), and keep the seed to yourself: whoever has it has all flags.",
  examples: [
    "tessera challenge reset --class 4b --seed 4b.seed alice bob carol",
    "tessera challenge reset --class 4b --seed 4b.seed --students 4b.txt --to kits",
  ],
  options: {
    ...CLASS_OPTIONS,
    students: { value: "FILE", help: "their names, one a line" },
    to: { value: "DIR", help: "where to write the kits; ./tessera-class-NAME" },
  },
  isUnconfigured: true,
  arguments: [0, 1000],
  run: async ({ options, positionals, json, screen, now }) => {
    const { className, seedFile } = classChoice(options);
    const files = await import("../lab/class-files.js");
    files.checkOwnerName(className, "--class");
    const listed = options.students === undefined ? [] : await files.readStudents(options.students);
    const students = [...new Set([...positionals, ...listed])];
    if (students.length === 0) throw new UsageError("which students? name them, or give --students FILE");
    for (const student of students) files.checkOwnerName(student, "a student's name");
    const { seed, isNew } = await files.readOrMakeSeed(seedFile);
    const to = options.to ?? `tessera-class-${className}`;
    const kits: { student: string; kit: string }[] = [];
    for (const student of students) {
      screen.showStatus(`${student}: ${kits.length + 1} of ${students.length}`);
      kits.push({ student, kit: await files.writeKit(to, seed, { class: className, student }, now()) });
    }
    screen.clearStatus();
    if (json) screen.printJson({ class: className, seed: seedFile, isNewSeed: isNew, kits });
    else {
      if (isNew) screen.notice(`${seedFile}: made; keep it, to mark the class by, and keep it secret`);
      screen.print(`class ${className}: ${counted(kits.length, "kit")} in ${to}`);
    }
    return undefined;
  },
});
