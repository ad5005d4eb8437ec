// Refreshes what changes and sends forms in place; without it every form still works.
"use strict";

const PAUSE = 1500;
let newest = 0;

const notice = (words) => {
  const line = document.getElementById("notice");
  line.textContent = words;
  line.hidden = !words;
};

const toEnd = (chat) => { chat.scrollTop = chat.scrollHeight; };

const apply = (html) => {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const count = (doc) => doc.querySelector(".phones").dataset.count;
  if (count(fresh) !== count(document)) { location.reload(); return; }
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(part.id);
    if (!other || other.innerHTML === part.dataset.was) continue;
    if (part.contains(document.activeElement) && document.activeElement.tagName === "SELECT") continue;
    if (part.querySelector("details[open]")) continue;
    part.dataset.was = other.innerHTML;
    const atEnd = part.scrollHeight - part.scrollTop - part.clientHeight < 80;
    part.replaceChildren(...document.importNode(other, true).childNodes);
    if ("chat" in part.dataset && atEnd) toEnd(part);
  }
};

const refresh = async () => {
  const mine = ++newest;
  const answer = await fetch("./", { headers: { accept: "text/html" } });
  const html = await answer.text();
  if (mine === newest && answer.ok) apply(html);
};

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = event.submitter;
  const body = new URLSearchParams(new FormData(form, button));
  const text = form.querySelector("input[name=text]:not([type=hidden])");
  if (text) text.value = "";
  if (button) button.setAttribute("aria-busy", "true");
  form.closest("details")?.removeAttribute("open");
  try {
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    notice(answer.status >= 400 ? (await answer.json()).error : "");
    if (form.classList.contains("add")) { location.reload(); return; }
    await refresh();
  } catch {
    notice("连不上模拟器，请看看它是不是还在运行。");
    if (text && !text.value) text.value = body.get("text");
  } finally {
    button?.removeAttribute("aria-busy");
  }
});

document.querySelectorAll("[data-chat]").forEach(toEnd);

(async () => {
  for (;;) {
    await new Promise((done) => setTimeout(done, PAUSE));
    if (document.hidden) continue;
    try { await refresh(); } catch { /* the next round tries again */ }
  }
})();
