// Filters over the table of all requirements: made of what its columns hold.
document.addEventListener('DOMContentLoaded', () => {
  const table = document.querySelector('table.requirements');
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const valueOf = (cell) => (cell.querySelector('.pill') || cell).textContent.trim();
  const filters = document.createElement('form');
  filters.className = 'filters';
  const add = (name, input) => {
    const label = document.createElement('label');
    label.append(`${name} `, input);
    filters.append(label);
  };
  const words = document.createElement('input');
  words.type = 'search';
  add('Words', words);
  const choices = [];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const name = head.textContent.trim();
    if (name === 'Id' || name === 'Requirement') return;
    const select = document.createElement('select');
    const values = new Set(rows.map((row) => valueOf(row.cells[column])));
    select.append(new Option('all', ''), ...[...values].map((value) => new Option(value, value)));
    choices.push({ select, column });
    add(name, select);
  });
  const count = document.createElement('output');
  filters.append(count);
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word)) || choices.some(
        ({ select, column }) => select.value && valueOf(row.cells[column]) !== select.value);
      if (!row.hidden) shown += 1;
    }
    count.textContent = `${shown} of ${rows.length} requirements`;
  };
  filters.addEventListener('input', filter);
  filters.addEventListener('submit', (event) => event.preventDefault());
  table.parentElement.before(filters);
  filter();
});
