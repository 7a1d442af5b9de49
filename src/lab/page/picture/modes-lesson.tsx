/** ECB beside CBC, on a picture. */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { PUBLISHED } from "../des/examples.js";
import { differentBlocks, drawKey, HEIGHT, inCbc, inEcb, WIDTH } from "./picture.js";

export function ModesLesson() {
  const { key, block: iv } = PUBLISHED;
  const { plain, ecb, cbc } = useMemo(() => {
    const picture = drawKey();
    return { plain: picture, ecb: inEcb(picture, key), cbc: inCbc(picture, key, iv) };
  }, [key, iv]);
  return (
    <section class="lesson" aria-labelledby="modes">
      <h2 id="modes">ECB beside CBC</h2>
      <p>
        A message has many blocks. In ECB each is enciphered by itself: what was equal stays equal, and
        whoever looks sees the outline of what you hid. In CBC each block is first XORed with the ciphertext
        of the one before, so that nothing repeats. Same picture, same key, same DES, computed here:
      </p>
      <div class="pictures">
        <Picture bytes={plain} name="the picture" text="A dark key on light paper." />
        <Picture bytes={ecb} name="in ECB" text="Stripes; the outline of the key is plain to see." />
        <Picture bytes={cbc} name="in CBC" text="Noise, and nothing of the key." />
      </div>
      <p>
        ECB gives away more than pictures. A block stands for itself, so it can be cut out of one ticket and
        pasted into another that is sealed under the same key, and nobody notices: a ticket of an attacker’s
        own comes to name alice. That is why sealed parts have a checksum inside, and why DES_ECB is in
        Tessera for this one lesson.
      </p>
    </section>
  );
}

interface PictureProps {
  readonly bytes: Uint8Array;
  readonly name: string;
  /** What is to be seen. */
  readonly text: string;
}

function Picture({ bytes, name, text }: PictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (context === null || context === undefined) return;
    const image = context.createImageData(WIDTH, HEIGHT);
    for (const [i, grey] of bytes.entries()) image.data.set([grey, grey, grey, 255], 4 * i);
    context.putImageData(image, 0, 0);
  }, [bytes]);
  return (
    <figure>
      <canvas ref={canvas} width={WIDTH} height={HEIGHT} role="img" aria-label={`${name}: ${text}`} />
      <figcaption>
        {name}: {differentBlocks(bytes)} different blocks of {bytes.length / 8}
      </figcaption>
    </figure>
  );
}
