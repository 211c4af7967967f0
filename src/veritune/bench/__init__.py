"""What ``veritune bench math`` measures: graders of math answers, side by side on the same labelled rows."""
