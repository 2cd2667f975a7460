/**
 * Decides what becomes of the transports that stand by while a server drains: they are taken into use by the first word
 * of the next owner, which has then taken the call over. Pure; `Link` is what is decided about.
 */
export class Standby<Link> {
  #link: Link | undefined;
  /** Of the owner that is about to go. */
  #ownerEpoch = 0;

  get link(): Link | undefined {
    return this.#link;
  }

  /** @returns the link that stood by until now, to be closed */
  begin(link: Link, ownerEpoch: number): Link | undefined {
    const former = this.#link;
    this.#link = link;
    this.#ownerEpoch = ownerEpoch;
    return former;
  }

  /** Something newer takes its place. @returns the link, to be closed */
  drop(): Link | undefined {
    const dropped = this.#link;
    this.#link = undefined;
    return dropped;
  }

  /** It could not be connected. @returns whether it was still the one that stands by */
  failed(link: Link): boolean {
    if (this.#link !== link) return false;
    this.#link = undefined;
    return true;
  }

  /**
   * An event of this epoch has arrived.
   *
   * @returns the link to use from now on. It may not be connected yet: the server is the first to know that it is
   */
  heardOf(epoch: number): Link | undefined {
    return epoch > this.#ownerEpoch ? this.drop() : undefined;
  }
}
