// Room for the text: what stands above and below it never covers the word that the hands are on.

const root = document.documentElement;

// Tell the style sheet how high the label bar and the foot are, now and whenever they change.
export function keepClear() {
  const bars = { "--bar": document.getElementById("labels"), "--foot": document.querySelector("footer") };
  const measure = () => {
    for (const [name, element] of Object.entries(bars)) root.style.setProperty(name, `${element.offsetHeight}px`);
    const chips = document.getElementById("chips");
    document.getElementById("all-labels").hidden = chips.scrollHeight <= chips.clientHeight + 1 && chips.scrollWidth <= chips.clientWidth + 1;
  };
  const observer = new ResizeObserver(measure);
  for (const element of Object.values(bars)) observer.observe(element);
  measure();
}

// The page's buttons are a menu where the window is narrow. True if it was open.
export function closeMenu() {
  const menu = document.getElementById("menu");
  if (!menu.matches(":popover-open")) return false;
  menu.hidePopover();
  return true;
}
