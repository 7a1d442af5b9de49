/** What may be wider than the window: it scrolls by itself, and the keyboard reaches it. */
import type { ComponentChildren } from "preact";

interface ScrollingProps {
  readonly label: string;
  readonly children: ComponentChildren;
}

export function Scrolling({ label, children }: ScrollingProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without the focus the arrow keys do not scroll it
    <section class="scrolling" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}
