// Tables: a button in every heading; numbers sort as numbers, the largest first.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const key = (row) => row.cells[column].dataset.key;
      const rows = [...body.rows];
      const numeric = rows.some((row) => key(row) !== "" && !isNaN(key(row)));
      const was = heading.getAttribute("aria-sort");
      const ascending = was === "none" ? !numeric : was === "descending";
      const compare = (a, b) => {
        if (!numeric) return key(a).localeCompare(key(b));
        const missing = isNaN(key(a)) - isNaN(key(b));
        return missing ? (ascending ? missing : -missing) : key(a) - key(b);
      };
      rows.sort((a, b) => (ascending ? compare(a, b) : compare(b, a)));
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      body.append(...rows);
    });
  });
}
