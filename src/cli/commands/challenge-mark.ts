/** `tessera challenge mark`: what students handed in, held against the class's seed. */
import { ReadableError } from "../../errors/readable-error.js";
import { defineCommand } from "../frame/command.js";
import { CLASS_OPTIONS, classChoice } from "../options/class-options.js";

export const command = defineCommand({
  name: "challenge mark",
  usage: ["--class NAME --seed FILE PROGRESS…"],
  description:
    "For teachers: marks the challenges.json of students with the seed of the class. A challenge counts " +
    "where the file proves that the student knew the flag of that challenge that is the student's own. " +
    "The exit code is 1 where something claimed is not proven, or a file is of another class or of none.",
  examples: ["tessera challenge mark --class 4b --seed 4b.seed handed-in/*.json"],
  options: CLASS_OPTIONS,
  isUnconfigured: true,
  arguments: [1, 1000],
  run: async ({ options, positionals, json, screen }) => {
    const { className, seedFile } = classChoice(options);
    const { readProgress, readSeed } = await import("../lab/class-files.js");
    const { marksOf } = await import("../../lab/challenges/class-marks.js");
    const seed = await readSeed(seedFile);
    const students = [];
    const unread = [];
    for (const file of positionals)
      try {
        students.push({ file, ...marksOf(seed, className, await readProgress(file)) });
      } catch (error) {
        if (!(error instanceof ReadableError)) throw error;
        screen.notice(error.message);
        unread.push({ file, text: error.message });
      }
    if (json) screen.printJson({ class: className, students, unread });
    else {
      const { markLines } = await import("../lab/challenge-text.js");
      screen.printAll(markLines(students));
    }
    const isDoubtful = students.some(
      ({ isOurs, marks }) => !isOurs || Object.values(marks).includes("unproven"),
    );
    return isDoubtful || unread.length > 0 ? 1 : undefined;
  },
});
