/** The score of the challenges, as `tessera challenge` keeps it in the learner's folder. */
import { useEffect, useState } from "preact/hooks";
import type { Lab } from "./connection.js";

/** As challenges/score.ts makes it. */
interface Score {
  readonly earned: number;
  readonly possible: number;
  readonly solved: number;
  readonly rows: readonly ScoreRow[];
}

interface ScoreRow {
  readonly name: string;
  readonly title: string;
  readonly level: string;
  readonly status: "untouched" | "started" | "solved";
  readonly points: number;
  readonly earned: number;
  readonly hints: { readonly shown: number; readonly of: number };
  readonly wrong: number;
}

export function ScoreView({ ask }: { readonly ask: Lab["ask"] }) {
  const [score, setScore] = useState<Score>();
  const look = async () => setScore((await ask("score")) as Score | undefined);
  useEffect(() => void look(), []);
  return (
    <section class="score" aria-label="Challenges">
      <h2>Challenges</h2>
      <p>
        Twelve tasks with flags, from easy to hard. They are worked at in a terminal:{" "}
        <code>tessera challenge list</code> shows them, <code>tessera challenge start NAME</code> begins one.
      </p>
      {score !== undefined && <ScoreTable score={score} />}
      <button type="button" onClick={() => void look()}>
        Look again
      </button>
    </section>
  );
}

function ScoreTable({ score: { earned, possible, solved, rows } }: { readonly score: Score }) {
  return (
    <>
      <p class="total">
        {solved} of {rows.length} solved: {earned} of {possible} points
      </p>
      <div class="table">
        <table>
          <thead>
            <tr>
              <th scope="col">Challenge</th>
              <th scope="col">Level</th>
              <th scope="col">State</th>
              <th scope="col">Points</th>
              <th scope="col">Hints</th>
              <th scope="col">Wrong flags</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, title, level, status, points, earned, hints, wrong }) => (
              <tr key={name} class={status}>
                <th scope="row">
                  {title} <code>{name}</code>
                </th>
                <td>{level}</td>
                <td>{status === "untouched" ? "not begun" : status}</td>
                <td>
                  {earned} of {points}
                </td>
                <td>
                  {hints.shown} of {hints.of}
                </td>
                <td>{wrong}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
