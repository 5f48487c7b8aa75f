-- Devices: their codes, and where they are
BEGIN;
SET LOCAL search_path TO license, public;
INSERT INTO account (account_id, name) VALUES (4801, 'Trees'), (4802, 'Pipes');
INSERT INTO site (account_id, site_id, name) VALUES (4801, 1, 'Forest'), (4801, 2, 'Park');
INSERT INTO apartment (account_id, site_id, apartment_id, name) VALUES (4801, 1, 11, 'A'), (4801, 1, 12, 'B'), (4801, 2, 21, 'C');
INSERT INTO account_user (account_id, user_id, site_id, apartment_id, email) VALUES (4801, 31, 1, 11, 'a@trees.example');

INSERT INTO device (account_id, device_id, device_code) VALUES (4801, 101, NULL), (4801, 102, 'lobby'), (4801, 103, '007'), (4801, 104, NULL), (4802, 105, NULL);
DELETE FROM device WHERE device_id = 104;
INSERT INTO device (account_id, device_id, user_id) VALUES (4801, 106, 31);
SELECT account_id, device_id, device_code, site_id, apartment_id, seats FROM device WHERE account_id IN (4801, 4802) ORDER BY 1, 2;
SELECT account_id, last_device_number FROM account_counter WHERE account_id IN (4801, 4802) ORDER BY 1;

SAVEPOINT faults;
INSERT INTO device (account_id, device_code) VALUES (4801, 'lobby');
ROLLBACK TO faults;
UPDATE device SET apartment_id = 12 WHERE device_id = 106;
ROLLBACK TO faults;
INSERT INTO device (account_id, user_id, site_id) VALUES (4801, 31, 2);
ROLLBACK TO faults;
UPDATE account_user SET apartment_id = 12 WHERE user_id = 31;
SELECT device_id, site_id, apartment_id FROM device WHERE user_id = 31;
INSERT INTO device (account_id, device_code, site_id, apartment_id, user_id) VALUES (4801, 'desk', 1, 12, 31);
UPDATE account_user SET apartment_id = 11 WHERE user_id = 31;
ROLLBACK TO faults;
INSERT INTO device (account_id, site_id, apartment_id) VALUES (4801, 1, 21);
ROLLBACK TO faults;
INSERT INTO device (account_id, device_code) VALUES (4801, '999999999'), (4801, NULL);
ROLLBACK TO faults;
SELECT _device_trg();
ROLLBACK;
