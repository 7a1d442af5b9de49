/** Passwords as people make them: two words and a hyphen, some with a digit. */
import { randomInt } from "node:crypto";

const FIRST =
  "amber ancient autumn bitter blue bold brave bright broken calm clever cold copper cosmic crimson " +
  "curious daring dusty eager early empty fancy fierce frozen gentle giant golden grumpy happy hidden " +
  "hollow honest humble icy jolly kind lazy little lonely lucky mellow misty modest nimble noisy odd " +
  "patient proud quiet rapid rusty salty secret silent silver sleepy sly sunny swift tiny velvet vivid " +
  "wild wise";
const SECOND =
  "badger bear beaver bison camel cat crane crow deer dolphin donkey eagle falcon ferret finch fox frog " +
  "goat goose hare hawk heron horse jackal koala lemur lion lynx magpie mole moose mouse newt otter owl " +
  "panda parrot pelican pigeon puffin quail rabbit raven robin salmon seal shark sheep snail spider " +
  "stork swan tiger toad trout turtle viper walrus weasel whale wolf wombat wren yak zebra";

/** All pairs, in an order of their own: some 4,000. */
export function pairList(): string[] {
  const seconds = SECOND.split(" ");
  return shuffled(FIRST.split(" ").flatMap((first) => seconds.map((second) => `${first}-${second}`)));
}

/** All pairs with each digit behind: some 40,000. */
export function longList(): string[] {
  return shuffled(pairList().flatMap((pair) => Array.from("0123456789", (digit) => `${pair}${digit}`)));
}

function shuffled(words: string[]): string[] {
  for (let i = words.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [words[i], words[j]] = [words[j]!, words[i]!];
  }
  return words;
}
