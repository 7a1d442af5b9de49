/** The attacks: what each is, and a run of it in a realm of its own, in any scene. */
import { useState } from "preact/hooks";
import type { AttackRun, LiveAttack } from "../../live/live-state.js";
import type { Scene } from "../../realm/scene-name.js";
import type { Lab } from "./connection.js";
import { SCENES } from "./scene-picker.tsx";

interface Props {
  readonly attacks: readonly LiveAttack[];
  readonly ask: Lab["ask"];
}

export function AttacksView({ attacks, ask }: Props) {
  const [name, setName] = useState(attacks[0]?.name);
  const attack = attacks.find((one) => one.name === name) ?? attacks[0];
  const topics = [...new Set(attacks.map(({ topic }) => topic))];
  const isRunning = attacks.some(({ runs }) => Object.values(runs).some((run) => run.isRunning));
  return (
    <div class="attacks">
      <nav aria-label="Attacks">
        {topics.map((topic) => (
          <section key={topic}>
            <h2>{topic}</h2>
            <ul>
              {attacks
                .filter((one) => one.topic === topic)
                .map((one) => (
                  <li key={one.name}>
                    <button
                      type="button"
                      aria-current={one === attack ? "true" : undefined}
                      onClick={() => setName(one.name)}
                    >
                      {one.title}
                    </button>
                  </li>
                ))}
            </ul>
          </section>
        ))}
      </nav>
      {attack !== undefined && <AttackView attack={attack} isRunning={isRunning} ask={ask} />}
    </div>
  );
}

interface AttackViewProps {
  readonly attack: LiveAttack;
  readonly isRunning: boolean;
  readonly ask: Lab["ask"];
}

function AttackView({ attack, isRunning, ask }: AttackViewProps) {
  const { name, title, has, lesson, runs } = attack;
  return (
    <article class="attack" aria-label="The attack">
      <h2>{title}</h2>
      <p class="has">Mallory has {has}.</p>
      <fieldset class="runs">
        <legend>Run it on real servers</legend>
        {SCENES.map(({ value: scene, label }) => (
          <button
            type="button"
            key={scene}
            disabled={isRunning}
            onClick={() => void ask("attack", { name, scene })}
          >
            in {label}
          </button>
        ))}
      </fieldset>
      <div class="verdicts" aria-live="polite">
        {SCENES.map(({ value: scene }) => {
          const run = runs[scene];
          return run === undefined ? null : <Run key={scene} scene={scene} run={run} />;
        })}
      </div>
      <h3>What it teaches</h3>
      <p class="lesson">{lesson}</p>
    </article>
  );
}

function Run({
  scene,
  run: { steps, isRunning, outcome, isAsExpected, failure },
}: {
  readonly scene: Scene;
  readonly run: AttackRun;
}) {
  return (
    <section class={`run-of ${outcome?.verdict ?? ""}`}>
      <h3>
        {scene}: {isRunning ? "under way…" : (outcome?.verdict ?? "failed")}
      </h3>
      <ol>
        {steps.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {outcome?.verdict === "ALLOWED" && <p>{outcome.gained}.</p>}
      {outcome?.verdict === "BLOCKED" && (
        <p>
          by <strong>{outcome.at}</strong>: <code>{outcome.by}</code>, {outcome.text}
        </p>
      )}
      {failure !== undefined && <p>{failure}</p>}
      {isAsExpected === false && <p>This is not what Tessera promises: please report it.</p>}
    </section>
  );
}
