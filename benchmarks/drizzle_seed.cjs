// Fill the tables of benchmarks.trade with as many made-up rows: node drizzle_seed.cjs URL SCALE
const { drizzle } = require("drizzle-orm/mysql2");
const { bigint, boolean, decimal, int, mysqlEnum, mysqlTable, timestamp, varchar } = require("drizzle-orm/mysql-core");
const { seed } = require("drizzle-seed");
const mysql = require("mysql2/promise");

const id = () => bigint("id", { mode: "number" }).autoincrement().primaryKey();
const customers = mysqlTable("customers", {
  id: id(),
  code: varchar("code", { length: 20 }).notNull().unique(),
  name: varchar("name", { length: 80 }).notNull(),
});
const orders = mysqlTable("orders", {
  id: id(),
  orderNumber: varchar("order_number", { length: 20 }).notNull().unique(),
  customerId: bigint("customer_id", { mode: "number" }).notNull().references(() => customers.id),
  status: mysqlEnum("status", ["pending", "packed", "shipped", "delivered"]).notNull(),
  total: decimal("total", { precision: 12, scale: 2 }).notNull(),
  note: varchar("note", { length: 120 }),
  orderedAt: timestamp("ordered_at").notNull(),
});
const lines = mysqlTable("order_line_items", {
  id: id(),
  orderId: bigint("order_id", { mode: "number" }).notNull().references(() => orders.id),
  position: int("position").notNull(),
  product: varchar("product", { length: 80 }).notNull(),
  quantity: int("quantity").notNull(),
  unitPrice: decimal("unit_price", { precision: 12, scale: 2 }).notNull(),
  total: decimal("total", { precision: 12, scale: 2 }).notNull(),
  isSample: boolean("is_sample").notNull(),
  createdAt: timestamp("created_at").notNull(),
});

async function main() {
  const scale = Number(process.argv[3]);
  const connection = await mysql.createConnection(process.argv[2]);
  await seed(drizzle(connection), { customers, orders, lines }).refine((f) => ({
    customers: { count: 100 * scale },
    orders: { count: 2475 * scale },
    lines: { count: 7425 * scale, columns: { position: f.intPrimaryKey() } },
  }));
  await connection.end();
}

main().catch((error) => {
  console.error(String(error.cause ?? error));
  process.exit(1);
});
