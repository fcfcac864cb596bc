/** Whether the server can be reached, for everything that shows or needs it. */

class Connection {
  /** Whether the last call or the event stream failed to reach the server. */
  isLost = $state(false);
  /** Since when. */
  lostSince = $state<Date | undefined>();

  reached(): void {
    this.isLost = false;
    this.lostSince = undefined;
  }

  lost(): void {
    if (!this.isLost) {
      this.isLost = true;
      this.lostSince = new Date();
    }
  }
}

export const connection = new Connection();
