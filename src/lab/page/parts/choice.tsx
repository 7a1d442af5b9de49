/** A choice of one among a few: radio buttons that look like a row of tabs. */

/** What can be chosen. */
export interface Option<Value extends string> {
  readonly value: Value;
  readonly label: string;
  /** A longer name, for those who hear it or point at it. */
  readonly title?: string;
}

interface ChoiceProps<Value extends string> {
  /** Tells the groups of a page apart. */
  readonly name: string;
  readonly legend: string;
  readonly options: readonly Option<Value>[];
  readonly value: Value;
  readonly onChoose: (value: Value) => void;
}

export function Choice<Value extends string>({ name, legend, options, value, onChoose }: ChoiceProps<Value>) {
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      <div class="choice-row">
        {options.map((option) => (
          <label key={option.value} title={option.title}>
            <input
              type="radio"
              name={name}
              value={option.value}
              checked={option.value === value}
              aria-label={option.title}
              onChange={() => onChoose(option.value)}
            />
            <span>{option.label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
