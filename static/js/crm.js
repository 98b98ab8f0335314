// Community CRM in the browser. Loaded in <head> without defer, so that the page never flashes in the wrong theme.
// Every page works without this file; it makes them quicker to use.
(() => {
  const root = document.documentElement;
  const all = (css, within = document) => [...within.querySelectorAll(css)];
  const on = (name, act, options) => document.addEventListener(name, act, options);
  // Theme: follows the system until somebody chooses.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const tell = () => all("[data-theme-switch]").forEach((b) => b.setAttribute("aria-pressed", String(root.dataset.bsTheme === "dark")));
  const paint = (theme) => { root.dataset.bsTheme = theme || chosen() || (system.matches ? "dark" : "light"); tell(); };
  paint(); system.addEventListener("change", () => paint());
  const choose = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private window: it holds for this page only */ } paint(theme); };
  // Toasts: what went well fades, the rest stays until closed.
  const fade = () => all("[data-fades]:not([data-fading])").forEach((toast) => {
    toast.dataset.fading = "";
    const go = () => setTimeout(() => toast.matches(":hover, :focus-within") ? go() : toast.remove(), 6000);
    go();
  });
  const tidy = () => {  // each once, and above the bar of a selection, wherever that stands just now
    all("#toasts .toast-bad").forEach((toast, at, every) => { if (every.slice(at + 1).some((later) => later.textContent === toast.textContent)) toast.remove(); });
    const bar = document.querySelector(".selection")?.getBoundingClientRect(), seen = bar?.height && bar.top > 200 && bar.top < innerHeight;
    document.getElementById("toasts")?.style.setProperty("bottom", seen ? `${innerHeight - bar.top + 8}px` : "");
  };
  ["scroll", "resize"].forEach((name) => addEventListener(name, tidy, { passive: true }));
  const complain = (title, text) => {
    const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    ["b", ".sub"].forEach((part, at) => { toast.querySelector(part).textContent = [title, text][at]; });
    document.getElementById("toasts").append(toast);
    tidy();
  };
  // Dialogs: <button commandfor="id" command="show-modal"> in browsers that do not know it yet.
  const command = (button) => document.getElementById(button.getAttribute("commandfor"))?.[button.getAttribute("command") === "close" ? "close" : "showModal"]();
  const knowsCommand = "commandForElement" in HTMLButtonElement.prototype;
  // Selection: shift-click takes the range, the box in the head takes the page, [data-select-all] all who match; [data-selected] shows how many.
  let last = null;
  const boxes = (table) => all("tbody input[type=checkbox][name]", table);
  const count = (table) => {
    const every = boxes(table), picked = every.filter((box) => box.checked);
    every.forEach((box) => box.closest("tr").classList.toggle("picked", box.checked));
    const head = table.querySelector("[data-select-page]");
    if (head) { head.checked = picked.length === every.length && every.length > 0; head.indeterminate = picked.length > 0 && !head.checked; }
    const form = table.closest("form") || document, whole = form.querySelector("[data-select-all]");
    if (whole && picked.length < every.length) whole.checked = false;
    all("[data-selected]", form).forEach((place) => { place.textContent = picked.length.toLocaleString("en"); });
    all("[data-selection]", form).forEach((bar) => { bar.hidden = picked.length === 0; });
    tidy();
  };
  const select = (box, shift) => {
    const table = box.closest("table"), every = boxes(table);
    if (box.matches("[data-select-page]")) every.forEach((one) => { one.checked = box.checked; });
    else if (shift && every.includes(last)) {
      const [from, to] = [every.indexOf(last), every.indexOf(box)].sort((a, b) => a - b);
      every.slice(from, to + 1).forEach((one) => { one.checked = box.checked; });
    }
    if (every.includes(box)) last = box;
    count(table);
  };
  const selectAll = (form, whole) => {  // all who match, or again only the rows that are seen
    const box = form.querySelector("[data-select-all]"), table = form.querySelector("table");
    box.checked = whole;
    if (whole) boxes(table).forEach((one) => { one.checked = true; });
    count(table);
    (whole ? form.querySelector("[data-select-rows]") : box).focus();
  };
  // A field of a letter goes where the cursor stands.
  const insert = (button) => {
    const text = document.getElementById(button.dataset.insert);
    text.setRangeText(button.textContent, text.selectionStart, text.selectionEnd, "end");
    button.closest("details").open = false;
    text.focus();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  };
  on("click", (e) => {
    const at = (css) => e.target.closest(css);
    if (at("[aria-disabled=true]")) { e.preventDefault(); e.stopPropagation(); return; }
    if (at("[data-theme-switch]")) choose(root.dataset.bsTheme === "dark" ? "light" : "dark");
    if (at("[data-close]")) at(".toast-s").remove();
    if (at("[data-insert]")) insert(at("[data-insert]"));
    if (!knowsCommand && at("button[commandfor]")) command(at("button[commandfor]"));
    if (at("a[commandfor]")) { e.preventDefault(); command(at("a[commandfor]")); }  // a link where there is no script
    if (at("table input[type=checkbox]:is([name], [data-select-page])")) select(e.target, e.shiftKey);
    if (at("[data-select-all]")) selectAll(e.target.form, e.target.checked);
    if (at("[data-select-rows]")) selectAll(e.target.form, false);
    all("details.filter[open], details.menu[open]").forEach((open) => { if (!open.contains(e.target)) open.open = false; });
  }, true);
  on("reset", (e) => setTimeout(() => all("table:has([data-select-page])", e.target).forEach(count)));
  on("keydown", (e) => {
    if (e.key === "/" && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.closest("input, textarea, select, [contenteditable]")) {
      const search = document.querySelector("main input[type=search]");
      if (search) { e.preventDefault(); search.focus(); search.select(); }
    } else if (e.key === "Enter" && e.target.matches(".choice input")) e.preventDefault();  // which of its buttons is not said
    const open = e.key === "Escape" && document.querySelector("details.filter[open], details.menu[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });
  on("toggle", ({ target: fold }) => {  // who opens a filter by its button types next
    if (fold.matches(".filter[open]") && document.activeElement === fold.querySelector("summary") && matchMedia("(pointer: fine)").matches) fold.querySelector(".form-control")?.focus();
  }, true);
  on("submit", ({ target: form }) => (form.querySelector(".filter[open]") || document.activeElement.closest(".filter"))?.querySelector("summary").focus());  // there after a swap, too
  const holds = (picked, most) => !picked || picked === most ? "All columns" : `${picked} column${picked > 1 ? "s" : ""}`;
  on("submit", ({ target: form }) => { if (form.matches("#file-menu form")) form.parentNode.querySelector("summary span").textContent = holds(all(":checked[name=column]", form).length, all("[name=column]", form).length); });
  // Leaving a changed form asks once; sending it locks it, so a double click does nothing twice.
  let changed = null, typed, saving;  // when somebody last typed, and what of it is being saved by itself
  on("input", ({ target: { form, type }, timeStamp }) => { if (form?.matches("[data-guard]") && type !== "search") [changed, typed] = [form, timeStamp]; });
  on("htmx:beforeRequest", ({ target }) => { if (target.closest("[data-saves]")) saving = typed; });
  on("kept", () => { if (saving === typed) changed = null; });
  addEventListener("beforeunload", (e) => { if (changed && changed.isConnected) e.preventDefault(); });
  on("submit", (e) => {
    const form = e.target;
    if (e.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) { e.preventDefault(); return; }
    changed = null;
    if (Object.keys(form.dataset).some((name) => name.startsWith("hx")) || form.matches("[hx-post], [hx-put], [hx-patch], [hx-delete], [data-stays]")) return;
    form.dataset.sent = "yes";
    setTimeout(() => all("button:not([type=button])", form).forEach((b) => b.setAttribute("aria-disabled", "true")));
  });
  const unlock = (form) => { delete form.dataset.sent; all("button[aria-disabled]", form).forEach((b) => b.removeAttribute("aria-disabled")); };
  addEventListener("pageshow", (e) => { if (e.persisted) all("form[data-sent]").forEach(unlock); });  // back from the next page: the form may be sent again
  // Signing in changes the token forms are sent with: every page hands its own to those that were open before.
  const renew = (token) => { all("[name=csrfmiddlewaretoken]").forEach((field) => { field.value = token; }); document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token })); };
  addEventListener("storage", ({ key, newValue }) => { if (key === "csrf" && newValue) renew(newValue); });
  on("DOMContentLoaded", () => { try { localStorage.setItem("csrf", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]); localStorage.removeItem("csrf"); } catch { /* private window, or a page that sends nothing */ } });
  // htmx: errors that bring a toast or a form are shown, all others are told in our words.
  on("htmx:beforeSwap", (e) => {
    const { xhr } = e.detail;
    if (xhr.status < 400) return;
    e.detail.shouldSwap = xhr.status === 422 || xhr.getResponseHeader("HX-Retarget") !== null;
    if (!e.detail.shouldSwap) complain("That did not work", `The server answered ${xhr.status}. Nothing was changed on this page.`);
  });
  let picked;  // what is chosen stays, though a list to choose from comes later that was asked for before; what was typed to find it is done
  on("change", ({ target }) => {
    const pop = target.closest(".options")?.closest(".filter-pop"), looked = pop?.querySelector("[name$=-looked]");
    if (looked) looked.value = pop.querySelector("[name$=-typed]").value;
    picked = target;
  }, true);
  on("htmx:beforeRequest", () => { picked = null; });
  on("htmx:beforeSwap", ({ detail }) => { if (detail.target.closest(".filter-pop, select") && detail.target.contains(picked)) detail.shouldSwap = false; });
  on("htmx:beforeHistoryUpdate", ({ detail: { history: step, requestConfig: { elt } } }) => {  // Back from a search leads to where it began
    if (step.type === "replace" && !new URLSearchParams(location.search).get(elt.name)) step.type = "push";
  });
  const goOn = (field) => { field?.focus(); field?.select(); };  // [data-then]: where one types next
  on("htmx:afterRequest", ({ detail: { requestConfig: { elt }, successful } }) => successful && goOn(document.getElementById(elt.dataset.then)));
  on("htmx:sendError", () => complain("No connection", "The server can’t be reached. What you typed is still here."));
  on("htmx:timeout", () => complain("That took too long", "Try again in a moment. What you typed is still here."));
  const ready = () => { tell(); fade(); tidy(); all("table:has([data-select-page])").forEach(count); };
  on("htmx:oobBeforeSwap", ({ detail: { target } }) => all("details[name][open]", target).forEach((fold) => { fold.open = false; }));  // or the one that comes open in its place is shut
  on("htmx:afterSwap", ({ detail: { target } }) => { tidy(); if (target?.matches("dialog") && !target.open) target.showModal(); });
  ["DOMContentLoaded", "htmx:afterSettle", "htmx:oobAfterSwap"].forEach((name) => on(name, ready));
})();
