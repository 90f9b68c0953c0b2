// Puts the page of a usage report together: the table alone.

colours(() => {});
findingsTable();
