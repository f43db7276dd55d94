// Shows the page anew every few seconds, while somebody can see it.
(() => {
  "use strict";
  const interval = 5000, patience = 10000; // milliseconds
  // Without the name and the token that may stand in the address: fetch refuses one that has them.
  const address = location.origin + location.pathname;
  const own = document.currentScript.textContent;
  const live = document.getElementById("live");
  let timer = 0, busy = false;

  async function load() {
    const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(patience) });
    const text = await answer.text();
    if (!answer.ok) {
      throw new Error("popgate refuses to show more (status " + answer.status + ")");
    }
    return new DOMParser().parseFromString(text, "text/html");
  }

  function show(next) {
    // Another version has another style and another script.
    if (next.querySelector("script")?.textContent !== own) {
      location.reload();
      return;
    }
    const focused = document.activeElement?.id;
    const scrolled = new Map();
    for (const box of document.querySelectorAll(".box[id]")) {
      scrolled.set(box.id, { left: box.scrollLeft, top: box.scrollTop });
    }
    const { scrollX, scrollY } = window;
    document.title = next.title;
    document.getElementById("page").replaceWith(document.adoptNode(next.getElementById("page")));
    for (const [id, place] of scrolled) {
      document.getElementById(id)?.scrollTo(place);
    }
    if (focused) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
    window.scrollTo(scrollX, scrollY);
  }

  function say(text, failed) {
    if (live.textContent !== text) { // it is read aloud
      live.textContent = text;
    }
    live.className = failed ? "failed" : "";
    document.documentElement.classList.toggle("stale", failed);
  }

  async function refresh() {
    if (busy) {
      return;
    }
    busy = true;
    clearTimeout(timer);
    try {
      const next = await load();
      if (getSelection().isCollapsed) {
        show(next);
        say("Refreshes every 5 seconds.", false);
      } else {
        say("Waits while text is selected.", false);
      }
    } catch (error) {
      const since = document.getElementById("as-of").textContent;
      const what = error.message.startsWith("popgate") ? error.message : "popgate does not answer any more";
      say(what + ": this is how it was at " + since + " UTC.", true);
      document.title = "No answer – " + document.title.replace(/^No answer – /, "");
    }
    busy = false;
    if (!document.hidden) {
      timer = setTimeout(refresh, interval);
    }
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) {
      refresh();
    }
  });
  say("Refreshes every 5 seconds.", false);
  timer = setTimeout(refresh, interval);
})();
