/** The text of an invented person's résumé. */
export const RESUME = `Ada Example
ada@example.com

Experience
Backend Engineer, Northwind Systems, 2019-03 to 2023-06
- Built a parser in Rust that reads 4 million lines a day
- Ran PostgreSQL for 30 services

Skills
Rust, PostgreSQL, Linux
`;
